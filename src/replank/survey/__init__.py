"""Looks at a cluster through the ports and writes down what it saw."""
