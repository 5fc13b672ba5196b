"""What a takeover may have left: annotations, field ownership, and servers in a Terraform state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from replank.domain.unknown import Unknown
from replank.inventory.cluster_api.names import SKIPS
from replank.inventory.cluster_api.object_meta import annotated, key_of
from replank.verify.check import CLOUD, STATES, Check, Found
from replank.verify.checks.at_rest import KINDS
from replank.verify.sight import Sight

_MANAGER: Final = "replank"
"""The field manager of a takeover (transports/kubernetes/api.py)."""


def _skips(sight: Sight) -> Iterator[Found]:
    for name, plane in sight.of("KubeadmControlPlane").items():
        carried = [skip for skip in SKIPS if skip in annotated(plane)]
        if carried:
            yield Found(
                outcome="note",
                subject=f"KubeadmControlPlane {name}",
                why="it leaves kube-proxy or CoreDNS as they are at an upgrade",
                todo="Upgrade them yourself, or take the annotations off once you want KCP to.",
                evidence=tuple(carried),
            )


def _fields(sight: Sight) -> Iterator[Found]:
    kept = [
        key_of(document)
        for document in sight.objects.values()
        if any(e.get("manager") == _MANAGER for e in document["metadata"].get("managedFields") or ())
    ]
    if kept:
        yield Found(
            outcome="note",
            why=f"{_MANAGER} manages fields of {len(kept)} objects: a field that its owner leaves out stays",
            todo="The stage settle of a takeover takes these entries away; a run that stopped before it did "
            "not. The operator's hooks are written under this name, too.",
            evidence=tuple(sorted(kept)),
        )


def _states(sight: Sight) -> Iterator[Found]:
    assert not isinstance(sight.states, Unknown)
    if not sight.states:
        yield Found(outcome="note", why="fleet.yaml names no state for this cluster, so none was looked at")
    owned = _owned(sight)
    for state in sight.states:
        held = [r for r in state.resources if r.mode == "managed" and r.id in owned]
        if held:
            yield Found(
                outcome="fail",
                subject=f"state {state.source}",
                why="it still holds what Cluster API owns: the next `terraform apply` works against it",
                todo="`terraform state rm` these, and take their blocks out of the configuration.",
                evidence=tuple(f"{r.address}: {owned[r.id]}" for r in held),
            )


def _owned(sight: Sight) -> dict[str, str]:
    """ID -> whose, of the Machines' servers and of the ports on them."""
    assert not isinstance(sight.cloud, Unknown)
    assert not isinstance(sight.cloud.ports, Unknown)
    servers = {uuid: name for name, m in sight.of("Machine").items() if (uuid := sight.server_of(m))}
    ports = {port.id: servers[port.device_id] for port in sight.cloud.ports if port.device_id in servers}
    return {
        **{uuid: f"the server of Machine {name}" for uuid, name in servers.items()},
        **{port: f"a port of Machine {name}" for port, name in ports.items()},
    }


CHECKS: Final = (
    Check(
        code="RP747",
        says="The control plane may upgrade kube-proxy and CoreDNS",
        needs=("KubeadmControlPlane",),
        look=_skips,
    ),
    Check(code="RP748", says="replank manages no field any more", needs=KINDS, look=_fields),
    Check(
        code="RP751",
        says="No Terraform state of fleet.yaml holds the Machines' servers or ports",
        needs=("Machine", "OpenStackMachine", "OpenStackServer", f"{CLOUD} ports", STATES),
        look=_states,
    ),
)
