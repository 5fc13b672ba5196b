"""Looking, acting and telling, through ports."""
