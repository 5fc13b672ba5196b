"""Named defects: each bends the generated world of one cluster in one way."""

from __future__ import annotations

from replank.testbed.fleet.defects import (
    cluster,
    control_plane,
    hosts,
    load_balancer,
    nodes,
    ports,
    servers,
    terraform,
)
from replank.testbed.fleet.defects.defect import Defect

DEFECTS: dict[str, Defect] = {
    defect.name: defect
    for module in (servers, nodes, ports, load_balancer, control_plane, hosts, cluster, terraform)
    for defect in module.DEFECTS
}

__all__ = ["DEFECTS", "Defect"]
