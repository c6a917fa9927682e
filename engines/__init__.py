"""Engines read log rows once and fill the profile states of `stats`. Nothing here imports Django.

`engines.interface` is what monitoring asks of an engine. `engines.log` says what a log's columns mean,
`engines.sources` finds and checks its partitions, `engines.local` fills the states fast, `engines.in_memory` slowly
and obviously: one specification (tests/spec/engines) runs over both.
"""
