"""Nodes without SSH: a short-lived privileged pod on each, and commands on the node by exec through it."""
