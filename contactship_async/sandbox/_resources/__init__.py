"""One module per resource of the sandbox."""
