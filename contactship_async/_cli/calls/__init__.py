"""The commands of calls that do more than a method: to place one, or those of a file, to follow one, to end one."""
