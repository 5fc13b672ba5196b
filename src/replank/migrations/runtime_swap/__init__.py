"""The runtime swap: Docker to containerd, and containerd to a later one, under running nodes."""
