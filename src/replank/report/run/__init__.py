"""A run as a report tells it: a pure function of its plan, its events and what the probes saw."""
