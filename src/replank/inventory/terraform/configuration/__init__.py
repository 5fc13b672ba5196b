"""Parsers of Terraform and OpenTofu configuration. Pure: bytes in, places and names out, no values."""
