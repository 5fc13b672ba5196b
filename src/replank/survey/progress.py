"""What a survey tells while it runs."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Hears about every source of every cluster. Called from the event loop only."""

    def started(self, cluster: str, source: str) -> None:
        """A source (state, openstack, kubernetes, management, host NAME) is being read."""
        ...

    def ended(self, cluster: str, source: str, why_not: str) -> None:
        """It was read; `why_not` is "" or says in one line why it could not be seen."""
        ...

    def finished(self, cluster: str) -> None:
        """All sources of the cluster are done."""
        ...


class Silent:
    """Tells nobody."""

    def started(self, cluster: str, source: str) -> None:
        """Nothing."""

    def ended(self, cluster: str, source: str, why_not: str) -> None:
        """Nothing."""

    def finished(self, cluster: str) -> None:
        """Nothing."""
