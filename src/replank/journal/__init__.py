"""What a run wrote down: events, and what follows from them. Pure; where they are kept is a port."""
