"""Many organizations over one connection pool."""
