"""From a node's runtime as it is configured to the configuration of the containerd that takes over.

Pure functions: `from_docker`, `from_containerd`, and `in_force.compare` for the gate of the in-place way.
"""
