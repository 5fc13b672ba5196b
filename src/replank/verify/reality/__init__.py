"""What a server really is, what CAPO would make, and where the two differ."""
