"""Fluent Bit: both its configuration languages, and what its tail inputs make of container logs."""
