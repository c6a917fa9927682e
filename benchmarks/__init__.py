"""Measurements of speed, memory and exactness: `python -m benchmarks.drift`, `python -m benchmarks.exactness`."""
