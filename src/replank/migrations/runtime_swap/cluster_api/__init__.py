"""A runtime swap of a cluster that Cluster API has: what is brought in line, so that neither a rollout nor a
wrong new machine follows. Pure."""
