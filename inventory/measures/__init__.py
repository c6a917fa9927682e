"""What follows from records: how complete one is, and what rating its answers make."""
