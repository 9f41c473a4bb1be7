"""Calls that proceed: the time in which they do, how they go, what is said, and what is recorded."""
