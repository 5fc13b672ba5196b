"""Machines over SSH: the commands that are run there, and what their output means."""
