"""How much a finding matters."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """From worst to least.

    BLOCKER: a takeover would do harm or cannot work; no plan is applied while it stands.
    RISK: the takeover works, but something will break or surprise at or after it.
    NOTE: worth knowing before the review.
    """

    BLOCKER = "blocker"
    RISK = "risk"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 is worst."""
        return list(Severity).index(self)

    def at_least(self, other: Severity) -> bool:
        """True if this is as bad as `other` or worse."""
        return self.rank <= other.rank
