"""Checks about OpenStack: what CAPO needs to find, and what it would change."""
