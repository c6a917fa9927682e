"""Real credit-card customers, two real models, and a production log whose shifts are put in on purpose.

Everything is a function of the shipped data and a seed. Imports scikit-learn and LightGBM: never imported by
the portal or its workers, only run as `python -m demo.credit`.
"""
