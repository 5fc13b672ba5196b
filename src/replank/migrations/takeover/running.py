"""What the control plane really runs: kubeadm's recorded configuration corrected by the static pods.

A new control plane is made from the KubeadmControlPlane alone, so a flag that somebody edited into a manifest
by hand has to be in it, or it is gone with the first replaced machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import StaticPod
from replank.inventory.facts.kubernetes import ExtraArg, HostPathMount
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.component_flags import KUBEADM_VOLUMES, is_kubeadms
from replank.migrations.takeover.notes import Notes
from replank.plan.takeover import GroupDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One component as it runs. `differences`: where hosts disagree with what the template gets."""

    args: tuple[ExtraArg, ...]
    volumes: tuple[HostPathMount, ...]
    differences: tuple[GroupDifference, ...]


def running(
    component: str,
    recorded: Sequence[ExtraArg],
    volumes: Sequence[HostPathMount],
    control_planes: Sequence[Adoptee],
    notes: Notes,
) -> Running:
    """`recorded` and `volumes`: extraArgs and extraVolumes of the ConfigMap.

    A flag that all hosts have alike wins over the record; where hosts disagree the record stays.
    """
    pods = list(_pods(component, control_planes))
    wanted = _once(component, recorded, notes)
    if pods:
        for name in sorted({arg.name for _, pod in pods for arg in pod.args} | set(wanted)):
            wanted = _settle(component, name, wanted, pods)
    mounts = {mount.name: mount for mount in volumes}
    for mount in _common_mounts(pods):
        mounts.setdefault(mount.name, mount)
    return Running(
        args=tuple(ExtraArg(name=name, value=wanted[name]) for name in sorted(wanted)),
        volumes=tuple(mounts[name] for name in sorted(mounts)),
        differences=tuple(_differences(component, wanted, recorded, pods)),
    )


def _pods(component: str, control_planes: Sequence[Adoptee]) -> Iterator[tuple[str, StaticPod]]:
    for adoptee in control_planes:
        pods = adoptee.host.static_pods if adoptee.host else ()
        if isinstance(pods, Unknown):
            continue
        pod = next((p for p in pods if p.component == component), None)
        if pod is not None:
            yield adoptee.name, pod


def _once(component: str, recorded: Sequence[ExtraArg], notes: Notes) -> dict[str, str]:
    """Cluster API v1beta2 takes each flag once (CEL rule of extraArgs); kubeadm v1beta4 takes it
    repeatedly.
    """
    counted = Counter(arg.name for arg in recorded)
    for name in sorted(n for n in counted if counted[n] > 1):
        values = sorted(arg.value for arg in recorded if arg.name == name)
        notes.lost(f"{component} --{name}", f"given {counted[name]} times: {', '.join(values)}")
    return {arg.name: arg.value for arg in sorted(recorded, key=lambda a: (a.name, a.value), reverse=True)}


def _value(pod: StaticPod, name: str) -> str | None:
    values = sorted(arg.value for arg in pod.args if arg.name == name)
    return values[0] if values else None


def _settle(
    component: str, name: str, wanted: dict[str, str], pods: Sequence[tuple[str, StaticPod]]
) -> dict[str, str]:
    values = {_value(pod, name) for _, pod in pods}
    if len(values) != 1:
        return wanted
    value = values.pop()
    if value is None:
        # Recorded, but no host runs it: somebody took it out of all manifests.
        return {key: kept for key, kept in wanted.items() if key != name}
    if name in wanted or not is_kubeadms(component, name, value):
        return {**wanted, name: value}
    return wanted


def _common_mounts(pods: Sequence[tuple[str, StaticPod]]) -> list[HostPathMount]:
    if not pods:
        return []
    common = set(pods[0][1].volumes).intersection(*(pod.volumes for _, pod in pods[1:]))
    return sorted((m for m in common if m.name not in KUBEADM_VOLUMES), key=lambda m: m.name)


def _differences(
    component: str,
    wanted: dict[str, str],
    recorded: Sequence[ExtraArg],
    pods: Sequence[tuple[str, StaticPod]],
) -> Iterator[GroupDifference]:
    told = {arg.name: arg.value for arg in recorded}
    for host, pod in pods:
        names = sorted({arg.name for arg in pod.args} | set(wanted) | set(told))
        for name in names:
            has = _value(pod, name)
            own = name not in wanted and name not in told and has is not None
            if own and is_kubeadms(component, name, has or ""):
                continue
            if has != wanted.get(name):
                yield GroupDifference(
                    field=f"{component} --{name}",
                    machine=host,
                    has="absent" if has is None else has,
                    template=wanted.get(name, "absent"),
                    at_next_rollout="the new control plane runs with the template's value",
                )
            elif has != told.get(name):
                yield GroupDifference(
                    field=f"{component} --{name}",
                    machine=host,
                    has="absent" if has is None else has,
                    template=wanted.get(name, "absent"),
                    at_next_rollout="nothing changes: the manifest was edited by hand (kubeadm-config says "
                    f"{told.get(name, 'nothing')}), and the template takes what runs",
                )
