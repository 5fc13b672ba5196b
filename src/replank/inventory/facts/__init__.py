"""The facts that a snapshot holds. Every model is an allow-list: what has no field here is never kept.

Frozen dataclasses; sequences are tuples in a stable order (sorted by their key, so that one world gives one
snapshot). A field whose value could not be seen holds an `Unknown`.
"""
