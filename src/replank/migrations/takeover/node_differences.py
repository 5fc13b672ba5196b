"""How a machine's Node and kubelet differ from the template of its group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replank.domain.unknown import Unknown
from replank.inventory.facts.kubernetes import ExtraArg, Taint
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.node_labels import Labels
from replank.migrations.takeover.registration import Registration
from replank.plan.takeover import GroupDifference


def node_differences(
    adoptee: Adoptee, registration: Registration, template: Registration, version: str
) -> Iterator[GroupDifference]:
    """The differences that are Kubernetes'. `version`: of the group's new machines."""
    fields = (
        ("Kubernetes version", adoptee.version, version),
        ("labels", _labels(registration.labels), _labels(template.labels)),
        ("labels of its Machine", _labels(registration.machine_labels), _labels(template.machine_labels)),
        ("taints", _taints(registration.taints), _taints(template.taints)),
        ("runtime socket", registration.cri_socket, template.cri_socket),
        ("most pods", registration.max_pods, template.max_pods),
    )
    for field, has, wanted in fields:
        if has != wanted:
            yield _difference(adoptee, field, has, wanted, f"the new Node has {wanted or 'none'}")
    if registration.lost_labels:
        yield _difference(
            adoptee,
            "labels nobody may set",
            _labels(registration.lost_labels),
            "",
            "the new Node comes without: neither a kubelet nor Cluster API may set them",
        )
    yield from _kubelet(adoptee, registration, template)
    yield from _names(adoptee)


def _kubelet(
    adoptee: Adoptee, registration: Registration, template: Registration
) -> Iterator[GroupDifference]:
    if registration.flags is None:
        if template.flags is not None:
            yield _unseen(adoptee.name, why_unseen(adoptee), _flags(template.flags))
    elif registration.flags != template.flags:
        yield _difference(
            adoptee,
            "kubelet flags",
            _flags(registration.flags),
            _flags(template.flags or ()),
            "the new kubelet runs with the template's flags",
        )
    for setting in registration.settings or ():
        yield _difference(
            adoptee,
            "kubelet configuration",
            setting,
            "as in the cluster's kubelet-config",
            "the new kubelet takes the cluster's kubelet-config",
        )
    for flag in registration.own_flags:
        if flag.name == "node-ip":
            # With --cloud-provider=external the address is the provider's business, else the kubelet's
            # (kubernetes v1.35, pkg/kubelet/nodestatus/setters.go, NodeAddress).
            result = "the new Node has the address that its cloud provider or its kubelet finds"
            yield _difference(adoptee, "kubelet flag node-ip", flag.value, "", result)


def why_unseen(adoptee: Adoptee) -> str:
    """Why nothing is known of a machine's kubelet."""
    kubelet = adoptee.host.kubelet if adoptee.host else None
    return kubelet.unknown if isinstance(kubelet, Unknown) else "nobody looked at it over SSH"


def unseen_kubelets(adoptees: Sequence[Adoptee]) -> GroupDifference:
    """One entry for a group of which no kubelet was seen."""
    return _unseen("every machine", "; ".join(sorted({why_unseen(a) for a in adoptees})), "")


def _unseen(machine: str, why: str, template: str) -> GroupDifference:
    return GroupDifference(
        field="kubelet settings",
        machine=machine,
        has=f"not seen ({why})",
        template=template or "the cluster's kubelet-config",
        at_next_rollout="settings that only its kubelet has are gone on the new machine",
    )


def _names(adoptee: Adoptee) -> Iterator[GroupDifference]:
    if adoptee.node.name != adoptee.server.name:
        yield _difference(
            adoptee,
            "Node name",
            f"{adoptee.node.name} on server {adoptee.server.name}",
            "the server's host name",
            "the new Node is called as its server",
        )


def _difference(adoptee: Adoptee, field: str, has: str, template: str, result: str) -> GroupDifference:
    return GroupDifference(
        field=field,
        machine=adoptee.name,
        has=has or "none",
        template=template or "none",
        at_next_rollout=result,
    )


def _labels(labels: Labels) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels)


def _taints(taints: tuple[Taint, ...]) -> str:
    return ", ".join(f"{t.key}{f'={t.value}' if t.value else ''}:{t.effect}" for t in taints)


def _flags(flags: tuple[ExtraArg, ...]) -> str:
    return " ".join(f"--{f.name}={f.value}" for f in flags)
