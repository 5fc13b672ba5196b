"""The nouns of the field. Imports nothing but the standard library."""
