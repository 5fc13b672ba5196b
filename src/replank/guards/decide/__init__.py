"""Pure: from what was seen and what is wanted to what is done and said."""
