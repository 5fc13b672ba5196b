"""Generates worlds: legacy fleets that do not exist, from a seed and a list of cluster specs."""
