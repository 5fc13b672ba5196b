"""What replank asks of the outside world, as protocols. Transports implement them; tests may, too.

Every method may raise `ReplankError` (and nothing else): the survey turns it into an `Unknown` fact.
"""
