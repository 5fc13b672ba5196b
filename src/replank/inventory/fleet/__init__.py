"""fleet.yaml: which clusters there are, and how to reach what they stand on."""
