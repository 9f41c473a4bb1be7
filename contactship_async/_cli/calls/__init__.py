"""The commands of calls that no method alone says all about: to place one, to follow it, to end it."""
