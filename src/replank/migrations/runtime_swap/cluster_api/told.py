"""What a reviewer is told about a cluster's objects of Cluster API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from replank.domain.severity import Severity
from replank.inventory.cluster_api.controlled import ClusterApiFacts, Keeper, MachineTemplate
from replank.migrations.runtime_swap.cluster_api.images import words
from replank.plan.model import PlanFinding
from replank.plan.runtime_swap import PlannedEdit

IMAGE: Final = "RP438"
NOT_ALIGNED: Final = "RP439"
STAYS: Final = "RP479"
_OLD: Final = "Machines that are made after the swap come with the runtime of that image."


def old_image(template: MachineTemplate, users: Sequence[str]) -> PlanFinding:
    """No image for new machines was named."""
    return _finding(
        IMAGE,
        Severity.RISK,
        f"OpenStackMachineTemplate {template.name}",
        (f"its image: {words(template)}", f"machines are made with it by {', '.join(users)}"),
        f"{_OLD} replank does not see which one that is: as long as nobody says otherwise, the old one.",
        "Build an image with the new runtime, and plan with `--image` its name or ID: a template with it is "
        "made beside this one, and all that names the old one is moved to it without a rollout.",
    )


def unknown_template(keeper: Keeper) -> PlanFinding:
    """Another infrastructure, or it is not there."""
    return _finding(
        IMAGE,
        Severity.RISK,
        keeper.key.replace("/", " "),
        (f"{keeper.infrastructure or 'its template'} is not there, or of a kind that replank does not read",),
        _OLD,
        "See to the image yourself: a new template, and what names the old one moved to it.",
    )


def no_such_image(cluster: str, wanted: str, why: str) -> PlanFinding:
    """`--image` names several, or one that is not active."""
    return _finding(
        IMAGE,
        Severity.BLOCKER,
        f"cluster {cluster}",
        (why,),
        f"No machine could be made from {wanted}.",
        "Name exactly one active image of the project, best by its ID, then plan again.",
    )


def image_not_looked_up(cluster: str, wanted: str) -> PlanFinding:
    """The survey does not show it."""
    return _finding(
        IMAGE,
        Severity.RISK,
        f"cluster {cluster}",
        (f"image {wanted} was not looked up: the survey shows those that machines use or fleet.yaml names",),
        "If there is no such image, no new machine can be made; nothing that runs is touched by it.",
        "Look it up yourself; or name it in fleet.yaml as `new_machines.image`, survey and plan again.",
    )


def nobody_to_tell(cluster: str, wanted: str) -> PlanFinding:
    """`--image` for a cluster without Cluster API."""
    return _finding(
        IMAGE,
        Severity.RISK,
        f"cluster {cluster}",
        (f"image {wanted} is named, but no object of Cluster API was seen",),
        "Nothing is moved to that image.",
        "Change it where machines are made: Terraform, or whatever it is.",
    )


def not_aligned(keeper: Keeper, edits: Sequence[PlannedEdit], why: str) -> PlanFinding:
    """replank changes nothing of it."""
    objects = ", ".join(sorted({edit.object for edit in edits}))
    return _finding(
        NOT_ALIGNED,
        Severity.RISK,
        keeper.key.replace("/", " "),
        (why, f"would have to change: {objects}"),
        "It is left as it is: what replank wrote would be written over, and half of it left is a rollout. "
        "New machines come with the old settings.",
        "Change it where it comes from, all of it at once and paused (docs/runtime-swap.md), or stop its "
        "keeper for that time and plan again.",
    )


def pools_are_not_read(pools: Sequence[str]) -> PlanFinding:
    """MachinePools."""
    return _finding(
        NOT_ALIGNED,
        Severity.RISK,
        f"MachinePool {', '.join(pools)}",
        ("replank does not read MachinePools",),
        _OLD,
        "See to their image and bootstrap configuration yourself.",
    )


def registration_stays(cluster: str, facts: ClusterApiFacts) -> PlanFinding:
    """No word about Docker in any nodeRegistration."""
    named = [
        f"{spec.kind}/{spec.name}: {registration.cri_socket}"
        for spec in facts.configurations
        for registration in spec.registrations
        if registration.cri_socket
    ]
    return _finding(
        STAYS,
        Severity.NOTE,
        f"cluster {cluster}",
        tuple(sorted(set(named))) or ("no configuration names a runtime's socket: kubeadm looks for it",),
        "What kubeadm tells a kubelet of its runtime fits the new one: no configuration is changed.",
        "Nothing to do.",
    )


def _finding(
    code: str, severity: Severity, subject: str, evidence: tuple[str, ...], consequence: str, remedy: str
) -> PlanFinding:
    return PlanFinding(
        code=code,
        severity=severity.value,
        subject=subject,
        evidence=evidence,
        consequence=consequence,
        remedy=remedy,
    )
