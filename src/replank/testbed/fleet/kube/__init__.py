"""Objects of the workload cluster's API, as `kubectl get -o json` shows them."""
