"""What can be counted of a model's record."""
