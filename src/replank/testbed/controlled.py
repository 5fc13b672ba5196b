"""A served twin with Cluster API and CAPO at work on one of its clusters."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from replank.ports.access import KubeApi
from replank.testbed.serve.openstack.application_credentials import AppCredential
from replank.testbed.simulation.controllers import Cache, Controllers, Plane
from replank.testbed.simulation.etcd import Etcd
from replank.testbed.simulation.project import OpenStack, Status
from replank.testbed.twin import Twin
from replank.testbed.world import Project

_REACTION_S = 0.2
"""Seconds after the last write before they look. Real ones take up to a second: what is stripped of its
finalizers and deleted at once goes before they notice (facts file, section 9)."""
_ROUNDS = 50
"""Rounds of all controllers after which one that never ends is a bug of theirs."""


class TwinProject(OpenStack):
    """The project as the twin serves it; credentials are those that the twin's Keystone knows."""

    def __init__(self, project: Project, known: dict[str, AppCredential]) -> None:
        super().__init__(project, time.time)
        self._known = known

    def roles_of(self, credential_id: str, secret: str) -> tuple[str, ...]:
        """Of an application credential. Raises `Status` 401."""
        found = self._known.get(credential_id)
        if found is None or found.secret != secret:
            raise Status(401, "The request you have made requires authentication.")
        return self.project.roles if found.roles is None else found.roles


def start_controllers(twin: Twin, cluster: str, tell: Callable[[str], None]) -> None:
    """From now on they catch up before every answer of the management cluster and of `cluster`.

    `tell`: what they would write to their log. Raises LookupError where the twin has no such cluster.
    """
    found = next((c for c in twin.world.clusters if c.name == cluster), None)
    if found is None:
        raise LookupError(f"the twin has no cluster {cluster}")
    project = next(p for p in twin.world.projects if p.cloud == found.cloud)
    management, workload = twin.management, twin.api(cluster)
    plane = Plane(
        management.objects,
        TwinProject(project, twin.openstack.credentials),
        workload.objects,
        Etcd.of(found.machines),
        random.Random(twin.world.seed),  # noqa: S311  (a twin)
        tell,
    )
    at_work = _AtWork(plane, Controllers(plane, Cache(management.objects), shuffled=False))
    for served in (management, workload):
        served.controllers.append(at_work.catch_up)


@dataclass(slots=True)
class _AtWork:
    """Controllers that look a moment after something was written, and whenever one is due."""

    plane: Plane
    controllers: Controllers
    seen: tuple[int, ...] = ()
    changed_at: float = 0.0
    rested: bool = False

    def catch_up(self) -> None:
        """What they would have done by now."""
        plane, now = self.plane, time.time()
        written = (plane.objects.writes, plane.workload.writes, plane.cloud.writes)
        if written != self.seen:
            self.seen, self.changed_at, self.rested = written, now, False
        if now - self.changed_at < _REACTION_S or (self.rested and now < plane.due):
            return
        for _ in range(_ROUNDS):
            if self.controllers.act():
                break
        else:
            raise RuntimeError("the twin's controllers never come to rest")
        self.rested = True
        self.seen = (plane.objects.writes, plane.workload.writes, plane.cloud.writes)


class EndpointAtTwin:
    """The API of a twin's cluster. A kubeconfig that names the cluster's endpoint is tried at the twin's own
    address: nothing of a twin answers at a virtual IP."""

    def __init__(self, api: KubeApi, endpoint: str, url: str) -> None:
        self._api = api
        self._endpoint = f"https://{endpoint}"
        self._url = url

    async def works_with(self, kubeconfig: bytes) -> str:
        """See `ports.access.KubeApi`."""
        return await self._api.works_with(kubeconfig.replace(self._endpoint.encode(), self._url.encode()))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)
