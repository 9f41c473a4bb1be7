"""The commands of calls that no method alone says all about: to place one, or all of a file, to follow it, to end it."""
