"""Before a machine is terminated: out of the pools, volumes off, floating IPs kept, endpoints gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replank.domain.unknown import Fact, Unknown
from replank.guards.decide.waiting import word
from replank.guards.decision import KeepFloatingIp, Reason, Word
from replank.guards.names import PRE_TERMINATE
from replank.guards.policy import Policy
from replank.guards.sight import FloatingIpSight, MachineSight, Sight


def before_termination(
    machine: MachineSight, sight: Sight, policy: Policy, in_pools: Sequence[Reason]
) -> tuple[Word, tuple[KeepFloatingIp, ...]]:
    """What is said of a Machine that is drained and waits for the hook, and what is done first. `in_pools`:
    why the pools hold it."""
    floating = _floating_ips(machine, sight) if policy.terminate.floating_ips == "keep" else ()
    reasons = [*_of_floating_ips(floating)]
    if not sight.deleting:
        reasons = [*in_pools, *_of_volumes(machine, sight), *_of_workload(machine, sight), *reasons]
    said = word(
        machine,
        PRE_TERMINATE,
        reasons,
        at=sight.at,
        deadline_s=policy.terminate.deadline_seconds,
        on_deadline="let-go" if policy.terminate.on_deadline == "release" else "wait",
    )
    if isinstance(floating, Unknown):
        return said, ()
    return said, tuple(KeepFloatingIp(machine.name, ip.id, ip.address) for ip in floating)


def _floating_ips(machine: MachineSight, sight: Sight) -> Fact[tuple[FloatingIpSight, ...]]:
    cloud = sight.cloud
    if not machine.server:
        return ()
    found = cloud if isinstance(cloud, Unknown) else cloud.floating_ips
    if isinstance(found, Unknown):
        return found
    return tuple(ip for ip in found if ip.server == machine.server)


def _of_floating_ips(found: Fact[tuple[FloatingIpSight, ...]]) -> Iterator[Reason]:
    if isinstance(found, Unknown):
        text = f"its floating IPs could not be seen: {found.unknown}"
        yield Reason(code="RP714", word="FloatingIpsUnknown", text=text)
        return
    for ip in found:
        text = f"floating IP {ip.address} is taken off it, so that it is kept"
        yield Reason(code="RP713", word="FloatingIp", text=text)


def _of_volumes(machine: MachineSight, sight: Sight) -> Iterator[Reason]:
    cloud = sight.cloud
    if not machine.server:
        return
    volumes = cloud if isinstance(cloud, Unknown) else cloud.volumes.get(machine.server, Unknown("not asked"))
    if isinstance(volumes, Unknown):
        text = f"its volumes could not be seen: {volumes.unknown}"
        yield Reason(code="RP717", word="VolumesUnknown", text=text)
    elif volumes:
        text = f"Nova holds volume {', '.join(volumes)} attached"
        yield Reason(code="RP716", word="VolumeAttached", text=text)


def _of_workload(machine: MachineSight, sight: Sight) -> Iterator[Reason]:
    workload = sight.workload
    if not machine.node:
        return
    if isinstance(workload, Unknown):
        yield Reason(code="RP721", word="WorkloadUnknown", text=workload.unknown)
        return
    if volumes := workload.attached.get(machine.node):
        text = f"a VolumeAttachment holds {', '.join(volumes)} on Node {machine.node}"
        yield Reason(code="RP715", word="VolumeAttached", text=text)
    if services := workload.endpoints.get(machine.node):
        text = f"endpoints of {', '.join(services)} still stand on Node {machine.node}"
        yield Reason(code="RP718", word="Endpoints", text=text)
