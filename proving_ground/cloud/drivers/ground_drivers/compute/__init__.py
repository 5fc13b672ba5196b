"""Nova: a server is a container that boots systemd."""
