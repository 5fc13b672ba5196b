"""Would it roll? Cluster API's own code in a program of its own, or replank's comparison without it."""
