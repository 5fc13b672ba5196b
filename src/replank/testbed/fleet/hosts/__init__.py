"""Machines as SSH shows them, shaped as `testbed/serve/ssh.py` describes them."""
