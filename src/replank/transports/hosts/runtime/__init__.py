"""The runtime of a node over SSH, read only; one file for each thing that is read."""
