"""Octavia: an amphora is a container with one haproxy, whose address is the VIP."""
