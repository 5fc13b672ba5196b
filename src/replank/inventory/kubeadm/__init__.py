"""kubeadm's documents: what a cluster says about how it was made. Pure parsers."""
