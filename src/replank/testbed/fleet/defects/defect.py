"""What a defect is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from replank.testbed.fleet.layout import ClusterLayout, MachineLayout
from replank.testbed.fleet.made import Made


@dataclass(frozen=True, slots=True)
class Defect:
    """Bends a generated cluster. `name`: for specs. `says`: what is wrong then. `bend`: changes the world.

    `bend` raises LookupError where the cluster lacks what it bends (a load balancer, a second cluster).
    """

    name: str
    says: str
    bend: Callable[[Made], None]


def last_worker(layout: ClusterLayout) -> MachineLayout:
    """The worker that defects of one machine hit."""
    return _pick(layout.workers, -1, layout)


def first_worker(layout: ClusterLayout) -> MachineLayout:
    """Another worker, for defects that must not meet those of the last one."""
    return _pick(layout.workers, 0, layout)


def second_worker(layout: ClusterLayout) -> MachineLayout:
    """As `first_worker`, the next one where there is one."""
    return _pick(layout.workers, 1 % max(1, len(layout.workers)), layout)


def third_worker(layout: ClusterLayout) -> MachineLayout:
    """As `first_worker`, the one after the next where there is one."""
    return _pick(layout.workers, 2 % max(1, len(layout.workers)), layout)


def second_control_plane(layout: ClusterLayout) -> MachineLayout:
    """A control plane that is not the one the endpoint's twin answers as."""
    return _pick(layout.control_planes, min(1, len(layout.control_planes) - 1), layout)


def third_control_plane(layout: ClusterLayout) -> MachineLayout:
    """As `second_control_plane`, the next one where there is one."""
    return _pick(layout.control_planes, min(2, len(layout.control_planes) - 1), layout)


def last_control_plane(layout: ClusterLayout) -> MachineLayout:
    """The newest control plane."""
    return _pick(layout.control_planes, -1, layout)


def _pick(machines: tuple[MachineLayout, ...], index: int, layout: ClusterLayout) -> MachineLayout:
    if not machines:
        raise LookupError(f"{layout.name} has no such machine")
    return machines[index]
