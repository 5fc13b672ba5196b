"""The log agents of one cluster, for a check between the swaps of two nodes."""

from __future__ import annotations

from typing import Protocol

from replank.domain.errors import Refused
from replank.inventory.log_agents.agent import LogAgent


class LogAgents(Protocol):
    """They may be changed while a swap is on its way; each look is a new one."""

    async def read(self) -> tuple[LogAgent, ...]:
        """All of them, as they are configured now, sorted. What of one cannot be read is Unknown in it.

        Raises as `KubeApi`: with a part missing nobody would know.
        """
        ...


class NoLogAgents:
    """Where no step asks for them."""

    async def read(self) -> tuple[LogAgent, ...]:
        raise Refused(
            "RP858",
            "A check asked for the cluster's log agents",
            "this migration has no way to them; that is a bug of replank",
            "Report it.",
        )
