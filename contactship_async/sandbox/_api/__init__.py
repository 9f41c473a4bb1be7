"""What all resources of the sandbox share: routes, pages, errors, faults, and their description."""
