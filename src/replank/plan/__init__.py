"""The plan file: readable YAML that says everything a migration will do, before it does it."""
