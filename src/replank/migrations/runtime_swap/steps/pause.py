"""Controllers are paused while their objects are changed, and go on when they have seen all of it.

cluster-api v1.14.0, util/paused (EnsurePausedCondition): under a pause the condition Paused carries the
generation that the controller has read. MachineDeployments and MachineSets are read by one manager, so each
of them saying its newest generation means that the other is compared with it, too.
"""

from __future__ import annotations

from typing import Final

from replank.domain.errors import Hold
from replank.inventory.cluster_api.names import PAUSED
from replank.inventory.cluster_api.object_meta import annotated, condition
from replank.migrations.runtime_swap.steps.at import At
from replank.migrations.runtime_swap.steps.controlled import live, ref_of
from replank.plan.runtime_swap import Alignment
from replank.ports.access import Document

OURS: Final = "replank-runtime-swap"
"""The annotation's value tells whose pause it is; Cluster API looks at its being there alone."""
_SEEN_WITHIN_S: Final = 20.0
_LOOK_EVERY_S: Final = 0.5


async def pause(at: At, alignment: Alignment) -> None:
    """Pauses what is not paused, and waits until the controllers say so. Raises `Hold` RP974."""
    for key in alignment.pauses:
        document = await live(at, key)
        if PAUSED not in annotated(document):
            await _annotate(at, key, document, OURS)
    await until_seen(at, alignment)


async def until_seen(at: At, alignment: Alignment) -> None:
    """Waits until each paused object's controller has read it as it is now. Raises `Hold` RP974."""
    clock = at.access.clock
    deadline = clock.now() + _SEEN_WITHIN_S
    while True:
        unseen = [key for key in alignment.pauses if not _seen(await live(at, key))]
        if not unseen:
            return
        if clock.now() >= deadline:
            raise Hold(
                "RP974",
                f"{alignment.keeper} is paused, but its controller has not said so yet",
                f"no condition Paused of the newest generation on {', '.join(unseen)}",
                "Controllers say it within a second where they run: look at the managers of Cluster API. "
                "Nothing is replaced meanwhile.",
            )
        await clock.sleep(_LOOK_EVERY_S)


async def resume(at: At, alignment: Alignment) -> list[str]:
    """Takes our pause off, and nobody else's. What was paused by us."""
    ours = []
    for key in alignment.pauses:
        document = await live(at, key)
        if annotated(document).get(PAUSED) == OURS:
            await _annotate(at, key, document, None)
            ours.append(key)
    return ours


def paused_by_us(document: Document) -> bool:
    """Whether it carries our pause."""
    return annotated(document).get(PAUSED) == OURS


def _seen(document: Document) -> bool:
    said = condition(document, "Paused") or {}
    generation = document["metadata"].get("generation")
    return said.get("status") == "True" and said.get("observedGeneration") == generation


async def _annotate(at: At, key: str, document: Document, value: str | None) -> None:
    await at.access.management.merge(
        ref_of(at, key),
        {"metadata": {"annotations": {PAUSED: value}}},
        resource_version=str(document["metadata"].get("resourceVersion", "")),
    )
