"""replank moves live Kubernetes fleets onto a new platform underneath them, in place."""

__version__ = "0.1.0"
