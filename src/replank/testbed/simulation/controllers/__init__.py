"""What Cluster API, CAPO and the API server's own controllers do with the documents of a plane.

They work on plain stores and are told when to act, so that the same rules serve a simulation in virtual time
and a served twin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from replank.testbed.simulation.controllers.capo import (
    reconcile_openstack_clusters,
    reconcile_openstack_machines,
)
from replank.testbed.simulation.controllers.capo_cache import Cache
from replank.testbed.simulation.controllers.capo_server import reconcile_openstack_servers
from replank.testbed.simulation.controllers.cluster import (
    collect_garbage,
    keep_namespaces,
    reconcile_clusters,
)
from replank.testbed.simulation.controllers.control_plane import reconcile_control_planes
from replank.testbed.simulation.controllers.kubelet import join_nodes
from replank.testbed.simulation.controllers.machine import reconcile_machines
from replank.testbed.simulation.controllers.machine_deployment import reconcile_machine_deployments
from replank.testbed.simulation.controllers.machine_set import reconcile_machine_sets
from replank.testbed.simulation.controllers.plane import Plane

__all__ = ["Cache", "Controllers", "Plane"]

_CORE = (
    keep_namespaces,
    collect_garbage,
    reconcile_clusters,
    reconcile_machines,
    reconcile_machine_sets,
    reconcile_machine_deployments,
    reconcile_control_planes,
    join_nodes,
)
_CAPO = (reconcile_openstack_clusters, reconcile_openstack_machines, reconcile_openstack_servers)


@dataclass(slots=True)
class Controllers:
    """All of them. `act` is to be called soon after anything was written, and at `plane.due`.

    `shuffled`: in an order drawn from the plane's chance, and each only three times in four: as controllers
    race. Else always all, in one order.
    """

    plane: Plane
    cache: Cache
    shuffled: bool = True

    def act(self) -> bool:
        """Each controller looks at everything once. True where nothing was left to do."""
        plane = self.plane
        before = self._written()
        plane.due = float("inf")
        self.cache.refresh()
        order: list[Callable[[], None]] = [partial(controller, plane) for controller in _CORE]
        order.append(self._capo)
        if self.shuffled:
            plane.chance.shuffle(order)
        skipped = False
        for reconcile in order:
            if self.shuffled and plane.chance.random() < 0.25:
                skipped = True
            else:
                reconcile()
        for until in self.cache.behind.values():
            plane.later(until - plane.now)
        return self._written() == before and not skipped

    def _capo(self) -> None:
        for reconcile in _CAPO:
            reconcile(self.plane, self.cache)

    def _written(self) -> tuple[int, int, int]:
        return (self.plane.objects.writes, self.plane.workload.writes, self.plane.cloud.writes)
