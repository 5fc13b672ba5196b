"""One self-contained page a plan: no scripts, nothing loaded from elsewhere, all text escaped."""
