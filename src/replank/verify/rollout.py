"""Which template, version and failure domains a rollout uses for a Machine.

Source: cluster-api v1.14.0, controlplane/kubeadm/pkg/control_plane.go (NextFailureDomainForScaleUp: KCP
takes the one with the fewest Machines) and core/reconcilers/machineset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replank.domain.unknown import Fact, Unknown
from replank.inventory.cluster_api.object_meta import key_of, part
from replank.inventory.facts.openstack import OpenStackFacts, Server
from replank.verify.reality.declared import Place, as_declared
from replank.verify.reality.trait import Makeup
from replank.verify.sight import Document, Sight, is_control_plane


def wanted_template(keeper: Document) -> Mapping[str, Any]:
    """spec of the Machines that a KubeadmControlPlane or MachineDeployment makes."""
    path = "machineTemplate" if keeper["kind"] == "KubeadmControlPlane" else "template"
    return part(keeper, "spec", path, "spec")


def version_of(keeper: Document) -> str:
    """The Kubernetes version of what it makes."""
    of_control_plane = part(keeper, "spec").get("version")
    return str(of_control_plane or wanted_template(keeper).get("version") or "")


def zones_of(sight: Sight, keeper: Document) -> tuple[str, ...]:
    """Failure domains among which it chooses, () = it names none."""
    if keeper["kind"] != "KubeadmControlPlane":
        zone = wanted_template(keeper).get("failureDomain")
        return (str(zone),) if zone else ()
    cluster = sight.get("Cluster", sight.cluster)
    told = part(cluster, "status").get("failureDomains") or ()
    return tuple(sorted(str(domain["name"]) for domain in told if domain.get("controlPlane")))


def next_makeup(sight: Sight, keeper: Document, cloud: OpenStackFacts) -> Fact[Makeup]:
    """What a rollout makes. Unknown where its template was not seen."""
    template = sight.referred(wanted_template(keeper).get("infrastructureRef") or {})
    if template is None:
        reference = wanted_template(keeper).get("infrastructureRef") or {}
        return Unknown(f"{reference.get('kind')} {reference.get('name')} of {key_of(keeper)} is not there")
    place = Place(
        cloud=cloud,
        infrastructure=infrastructure_of(sight),
        control_plane=keeper["kind"] == "KubeadmControlPlane",
        zones=zones_of(sight, keeper),
    )
    return as_declared(part(template, "spec", "template", "spec"), place)


def own_makeup(sight: Sight, machine: Document, cloud: OpenStackFacts) -> Makeup | None:
    """What the Machine's own OpenStackMachine says; None where it was not seen."""
    infrastructure = sight.infrastructure(machine)
    if infrastructure is None:
        return None
    zone = part(machine, "spec").get("failureDomain")
    place = Place(
        cloud=cloud,
        infrastructure=infrastructure_of(sight),
        control_plane=is_control_plane(machine),
        zones=(str(zone),) if zone else (),
    )
    return as_declared(part(infrastructure, "spec"), place)


def infrastructure_of(sight: Sight) -> Document | None:
    """The cluster's OpenStackCluster."""
    return sight.referred(part(sight.get("Cluster", sight.cluster), "spec", "infrastructureRef"))


@dataclass(frozen=True, slots=True)
class Live:
    """A Machine and its server."""

    machine: Document
    server: Server


def live_machines(sight: Sight, cloud: OpenStackFacts) -> dict[str, Live]:
    """By Machine's name, those whose server was seen."""
    servers = {} if isinstance(cloud.servers, Unknown) else {s.id: s for s in cloud.servers}
    found = {}
    for name, machine in sight.of("Machine").items():
        server = servers.get(sight.server_of(machine))
        if server is not None:
            found[name] = Live(machine, server)
    return found
