"""Scenarios: what tests and people do on the ground, as plain functions."""
