"""Kills replank with SIGKILL at a chosen point of a run, from within, and lets it go on. For tests alone.

Production code has no hook for it: what a run writes (its journal, both APIs, the disk) is wrapped here.
"""
