"""Numbers without a framework: bins, additive profile states and the metrics that are functions of them.

Nothing here reads a file, a clock or a global random state, and nothing here imports Django: arrays and
merged states go in, frozen results come out. The engines fill the states; `stats.measure` turns one merged
state into the measurements of one window.
"""
