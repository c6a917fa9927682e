"""Pages of monitoring: a model's monitoring tab, one feature, a run with its progress, the breaches."""
