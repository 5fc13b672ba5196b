"""Errors carry their policy in their type, and their text in three parts.

Every message that an operator sees says what happened, why, and what to do next, under a stable code that
`replank explain CODE` knows. Transports translate the exceptions of their libraries into these, chained
with `from`; nothing above a transport catches anything else.
"""

from __future__ import annotations


class ReplankError(Exception):
    """An error for the operator.

    `code`: stable, `RPnnn`. `what`: what did not work, naming the thing. `why`: what was seen. `todo`: the
    next action. `where`: file and line, URL or host, if there is one. None of them may hold a secret.
    """

    def __init__(self, code: str, what: str, why: str, todo: str, *, where: str = "") -> None:
        super().__init__(code, what, why, todo, where)
        self.code = code
        self.what = what
        self.why = why
        self.todo = todo
        self.where = where

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        return f"{self.code} {self.what}{where}: {self.why}. {self.todo}"

    @property
    def reason(self) -> str:
        """What and why in one line, as an `Unknown` fact keeps it."""
        return f"{self.what}: {self.why}"


class Refused(ReplankError):
    """Stops this cluster: trying again changes nothing until somebody does what `todo` says."""


class Transient(ReplankError):
    """Worth another try. `retry_after_s`: seconds the other side asked for, or None."""

    def __init__(
        self,
        code: str,
        what: str,
        why: str,
        todo: str,
        *,
        where: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code, what, why, todo, where=where)
        self.retry_after_s = retry_after_s


class Hold(ReplankError):
    """Not an error: on hold because of something that is expected to change by itself."""
