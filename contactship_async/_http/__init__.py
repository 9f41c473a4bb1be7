"""HTTP: requests, responses, and all between them, for endpoints of any kind."""
