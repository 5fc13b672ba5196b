"""Rights in a Kubernetes cluster, asked for before the first write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb on one kind. `namespace` "" = a kind without one. `name`: of the one object that it is needed
    for, "" = any; a role may grant it for that alone. `resource`: `machines.cluster.x-k8s.io`, "" until an
    API server has told the kind's plural."""

    namespace: str
    api_version: str
    kind: str
    verb: str
    name: str = ""
    resource: str = ""

    def __str__(self) -> str:
        place = f" in namespace {self.namespace}" if self.namespace else ""
        name = f" {self.name}" if self.name else ""
        return f"{self.verb} {self.resource or self.kind}{name}{place}"


class RightsReader(Protocol):
    """Whom an API server lets do what."""

    async def missing_rights(self, needed: Iterable[Right]) -> tuple[Right, ...]:
        """All that are not granted, in order, each with its `resource`. Raises as `ports.access.KubeApi`."""
        ...
