"""A cloud that is written to, against the twin."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from openstack_sample import clouds_yaml, project

from replank.domain.errors import Hold
from replank.inventory.fleet.model import CloudRef
from replank.ports.receipts import collect
from replank.testbed.serve.openstack import OpenStackTwin
from replank.testbed.world import Project
from replank.transports.openstack.cloud import OpenStackCloud
from replank.transports.openstack.session import Patience

T = TypeVar("T")
PATIENCE = Patience(read_timeout_s=1, attempts=3, first_wait_s=0.01, longest_wait_s=0.05)


@dataclass
class Lease:
    """A fence that counts, and can close. `then`: what else happens right before a write."""

    asked: int = 0
    held: bool = True
    then: Callable[[], None] = lambda: None

    def __call__(self) -> None:
        self.asked += 1
        if not self.held:
            raise Hold("RP800", "The lease", "it ran out", "Wait.")
        self.then()


@dataclass
class Site:
    twin: OpenStackTwin
    project: Project
    cloud: OpenStackCloud
    lease: Lease
    folder: Path
    receipts: list[str] = field(default_factory=list)

    @contextmanager
    def logged_in_anew(self) -> Iterator[Site]:
        """The same with what clouds.yaml says by now."""
        ref = CloudRef(name="prod", clouds_yaml=str(self.folder / "clouds.yaml"))
        cloud = OpenStackCloud(ref, self.lease, PATIENCE)
        try:
            yield Site(self.twin, self.project, cloud, self.lease, self.folder)
        finally:
            cloud.close()

    def run(self, *works: Callable[[OpenStackCloud], Awaitable[T]]) -> list[T]:
        """Runs works one after the other in one loop; their receipts are kept, also where one raises."""

        async def main() -> list[T]:
            receipts = collect()
            try:
                return [await work(self.cloud) for work in works]
            finally:
                self.receipts = receipts

        return asyncio.run(main())

    def server(self, index: int) -> dict[str, Any]:
        return self._one("compute", "servers", f"server-{index}")

    def port(self, index: int) -> dict[str, Any]:
        return self._one("network", "ports", f"port-{index}")

    def balancing(self, collection: str, id_: str) -> dict[str, Any]:
        return self._one("load-balancer", collection, id_)

    def documents(self) -> dict[str, Any]:
        return copy.deepcopy(self.project.collections)

    def _one(self, service: str, collection: str, id_: str) -> dict[str, Any]:
        return next(d for d in self.project.collections[service][collection] if d["id"] == id_)


@contextmanager
def site(
    folder: Path, *, roles: tuple[str, ...] = ("member", "reader", "load-balancer_member"), **twin: Any
) -> Iterator[Site]:
    """`twin`: its options."""
    given = project()
    given.roles = roles
    lease = Lease()
    with OpenStackTwin([given], **twin) as served:
        cloud = OpenStackCloud(clouds_yaml(folder, served), lease, PATIENCE)
        try:
            yield Site(served, given, cloud, lease, folder)
        finally:
            cloud.close()
