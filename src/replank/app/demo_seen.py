"""What a cluster's API tells of its Nodes' runtimes and of its containers, for the demo to compare."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from replank.app.agent_maps import workload_api
from replank.app.fleet_file import clusters_named, read_fleet


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`runtimes`: by Node. `containers`: of every pod, ID -> restarts."""

    runtimes: dict[str, str]
    containers: dict[str, int]

    @classmethod
    def now(cls, fleet: Path, cluster: str) -> Seen:
        """Over the wire, as the fleet file says."""
        return asyncio.run(_look(fleet, cluster))

    @property
    def restarts(self) -> int:
        """Of all containers together."""
        return sum(self.containers.values())

    def all_on(self, runtime: str) -> bool:
        """Whether every Node runs it."""
        return set(self.runtimes.values()) == {runtime}

    def same_as(self, before: Seen) -> int:
        """How many containers have the same ID and as many restarts."""
        return len(self.containers.items() & before.containers.items())

    def __str__(self) -> str:
        names = sorted(self.runtimes.values())
        nodes = ", ".join(f"{names.count(name)} on {name}" for name in dict.fromkeys(names))
        return f"{len(names)} Nodes, {nodes}; {len(self.containers)} containers, {self.restarts} restarts"


async def _look(fleet: Path, cluster: str) -> Seen:
    (config,) = clusters_named(read_fleet(fleet), (cluster,))
    async with workload_api(config) as api:
        nodes, pods = await api.list("v1", "Node"), await api.list("v1", "Pod")
    statuses = [status for pod in pods for status in pod["status"].get("containerStatuses", ())]
    return Seen(
        runtimes={n["metadata"]["name"]: n["status"]["nodeInfo"]["containerRuntimeVersion"] for n in nodes},
        containers={status["containerID"]: status["restartCount"] for status in statuses},
    )
