"""Machines over SSH with asyncssh: read only, from the fixed list of commands."""
