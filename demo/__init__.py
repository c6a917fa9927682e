"""The demonstration bank: everything `make demo` starts, and the data that it shows."""
