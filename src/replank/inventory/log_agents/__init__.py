"""Log agents of a cluster: which container log formats they read, by their configuration as parsed."""
