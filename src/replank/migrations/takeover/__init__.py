"""The takeover of a legacy cluster by Cluster API: checks, planner and steps."""
