"""Sessions on the machines of one cluster, by their names, as some transport opens them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from replank.inventory.hosts.command import HostCommand
from replank.transports.hosts.session import HostSession


class Sessions(Protocol):
    """Opens them. Each is closed when it is left."""

    def open(self, machine: str, allowed: Sequence[HostCommand]) -> AbstractAsyncContextManager[HostSession]:
        """A session in which only the `allowed` commands run. Raises `ReplankError` where there is none to
        be had."""
        ...
