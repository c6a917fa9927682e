"""Forms of the register's pages, a noun a file."""
