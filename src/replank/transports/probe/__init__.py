"""The probes in a process of their own, and how they get to the API server of a kubeconfig."""
