"""What hangs on the nodes' runtime, through a cluster's API."""
