"""What would be replaced now, and whether the next rollout can make machines at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from replank.domain.unknown import Unknown
from replank.inventory.cluster_api.object_meta import key_of, part
from replank.verify.check import CLOUD, JUDGEMENT, Check, Found
from replank.verify.rollout import next_makeup, wanted_template
from replank.verify.sight import Document, Sight

_KEEPERS: Final = ("KubeadmControlPlane", "MachineDeployment")
_TEMPLATES: Final = ("KubeadmConfigTemplate", "OpenStackMachineTemplate")


def _rolls(sight: Sight) -> Iterator[Found]:
    assert not isinstance(sight.judged, Unknown)
    for replaced in sight.judged.rolling:
        yield Found(
            outcome="fail",
            subject=replaced.object.replace("/", " "),
            why=f"it would be replaced: {replaced.why}",
            todo="If a rollout is under way, wait for its end. If nobody wants one, pause its owner before "
            "you look further.",
            evidence=(f"judged by {sight.judged.by}",),
        )


def _can_be_made(sight: Sight) -> Iterator[Found]:
    assert not isinstance(sight.cloud, Unknown)
    for kind in _KEEPERS:
        for keeper in sight.of(kind).values():
            wrong, unseen = _faults(sight, keeper)
            subject = key_of(keeper).replace("/", " ")
            if wrong:
                yield Found(
                    outcome="fail",
                    subject=subject,
                    why="its next machine cannot be made",
                    todo="Bring back what is missing, or let it name a template that has all it names.",
                    evidence=tuple(wrong),
                )
            elif unseen:
                yield Found(outcome="unknown", subject=subject, why="; ".join(unseen))


def _faults(sight: Sight, keeper: Document) -> tuple[list[str], list[str]]:
    """What is missing, and what nobody can say."""
    assert not isinstance(sight.cloud, Unknown)
    wrong, unseen = [], []
    template = wanted_template(keeper)
    for reference in (part(template, "bootstrap", "configRef"), part(template, "infrastructureRef")):
        if reference and sight.referred(reference) is None:
            named = f"{reference.get('kind')} {reference.get('name')}"
            if reference.get("kind") in _TEMPLATES:
                wrong.append(f"{named} is not there")
            else:
                unseen.append(f"{named} is of a kind that replank does not read")
    coming = next_makeup(sight, keeper, sight.cloud)
    for name, trait in () if isinstance(coming, Unknown) else coming.items():
        if isinstance(trait, Unknown):
            unseen.append(f"{name}: {trait.unknown}")
        elif trait.absent:
            wrong.append(f"the project does not have {trait.absent}")
    return wrong, unseen


CHECKS: Final = (
    Check(code="RP753", says="Nothing would be replaced now", needs=(JUDGEMENT,), look=_rolls),
    Check(
        code="RP756",
        says="The next rollout can make its machines: templates, image, flavor and networks are there",
        needs=(
            *_KEEPERS,
            *_TEMPLATES,
            *("OpenStackCluster", CLOUD),
        ),
        look=_can_be_made,
    ),
)
