"""The twin: an embedded legacy fleet that speaks OpenStack, Kubernetes and SSH over the wire."""
