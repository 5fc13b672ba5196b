"""The code behind a takeover's steps and checks. `registry.takeover_registry` binds all kinds to it."""
