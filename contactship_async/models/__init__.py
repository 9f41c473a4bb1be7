"""Values of the API: one module per resource, and what all share."""
