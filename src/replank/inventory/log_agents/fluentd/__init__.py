"""Fluentd: its configuration language, and what its tail sources make of container logs."""
