"""The command `sync`: a copy of listings in a database, what became of it, and what is to be forgotten."""
