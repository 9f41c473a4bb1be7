"""One module per resource of the API: its models, its paths, and its client methods."""
