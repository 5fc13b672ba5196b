"""What was found: the facts of a snapshot, and the parsers that turn files and answers into facts."""
