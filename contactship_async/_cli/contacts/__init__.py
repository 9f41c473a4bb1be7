"""The commands of contacts that do more than list, count or get."""
