"""A node's container runtime as it is configured: frozen facts, and pure parsers from text to facts."""
