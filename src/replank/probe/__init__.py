"""Proof of no downtime: targets asked ten times a second, and an honest count of what they answered.

Pure: `sample`, `series`, `growth`, `judge`, `record`, `schedule`, `dns_message`. With sockets: the others.
"""
