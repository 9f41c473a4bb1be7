"""How the sandbox is reached: in memory, over a port, and in a thread."""
