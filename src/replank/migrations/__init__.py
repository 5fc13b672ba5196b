"""One package a migration, each with its own checks, planner and steps. They never import each other."""
