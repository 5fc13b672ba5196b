"""Errors for text from a node that is not what it should be."""

from __future__ import annotations

from replank.domain.errors import Refused


def not_understood(code: str, where: str, why: str, todo: str = "Look at the file on the node.") -> Refused:
    """The error for `where` (a path or a command). `why` never quotes a value, which may be a secret."""
    return Refused(code, f"{where} on the node was not understood", why, todo)
