"""The part of an OpenStack project that belongs to one cluster, and where state and cloud disagree. Pure."""
