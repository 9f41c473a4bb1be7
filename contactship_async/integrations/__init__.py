"""The SDK inside other libraries: a module for each, which needs an extra of the same name."""
