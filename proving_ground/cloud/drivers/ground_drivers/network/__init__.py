"""Neutron: a subnet is a Docker bridge network, a floating IP is a pair of NAT rules."""
