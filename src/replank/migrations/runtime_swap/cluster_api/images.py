"""The image that new machines come from, and the templates that name it.

An OpenStackMachineTemplate is immutable (CAPO v0.14.7, pkg/webhooks), so a new one is made beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from replank.domain.unknown import Unknown
from replank.inventory.cluster_api.controlled import ClusterApiFacts, Keeper, MachineTemplate
from replank.inventory.cluster_api.names import INFRASTRUCTURE
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.snapshot import Snapshot
from replank.plan.runtime_swap import PlannedTemplate
from replank.plan.slug import limited, slug

TEMPLATE: Final = "OpenStackMachineTemplate"
_ID: Final = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
_OURS: Final = re.compile(r"-containerd-[0-9]+-[0-9]+-[0-9]+-(id|name)-.*$")
"""What an earlier swap added to a name."""
_LONGEST: Final = 200
"""Of an object's name 253 characters are allowed; machines are not called after their template."""


class NoSuchImage(ValueError):
    """Nobody can tell which image is meant, or it is of no use; the text says what there is."""


def image_named(snapshot: Snapshot, wanted: str) -> tuple[Mapping[str, JSON], bool]:
    """CAPO's `image` for a name or ID, and whether the project was seen to have it.

    Raises `NoSuchImage` where several are called so, or it is not active. The ID where it is known: a name is
    looked up anew for each machine. A survey keeps the images that machines use or fleet.yaml names
    (inventory/openstack/select.py), so that one which it does not show may be there all the same.
    """
    cloud = snapshot.infrastructure.openstack
    images = cloud if isinstance(cloud, Unknown) else cloud.images
    kept = () if isinstance(images, Unknown) else images
    found = [image for image in kept if wanted in (image.id, image.name)]
    if not found:
        return ({"id": wanted} if _ID.fullmatch(wanted) else {"filter": {"name": wanted}}), False
    active = [image for image in found if image.status == "active"]
    if len(active) != 1:
        states = ", ".join(f"{image.id} {image.status}" for image in found)
        raise NoSuchImage(f"images called {wanted} that the project has: {states}")
    return {"id": active[0].id}, True


def template_of(facts: ClusterApiFacts, keeper: Keeper) -> MachineTemplate | None:
    """The template that a keeper names; None where it was not seen or is of another kind."""
    kind, _, name = keeper.infrastructure.partition("/")
    found = (t for t in facts.templates if (t.kind, t.name) == (kind, name))
    return next(found, None) if kind == TEMPLATE else None


def has_image(template: MachineTemplate, image: Mapping[str, JSON]) -> bool:
    """Whether it names that very image already."""
    return words(template) == image_words(image)


def words(template: MachineTemplate) -> str:
    """Its image in words."""
    if template.image_id:
        return f"id {template.image_id}"
    return f"name {template.image_name}" if template.image_name else "named in another way"


def new_template(template: MachineTemplate, image: Mapping[str, JSON], to: str) -> PlannedTemplate:
    """`to`: the new runtime, for the name."""
    stem = _OURS.sub("", template.name)
    return PlannedTemplate(
        name=limited(f"{stem}-{slug(to)}-{limited(slug(image_words(image)), 20)}", _LONGEST),
        like=template.name,
        api_version=INFRASTRUCTURE,
        image=image,
        image_was=words(template),
        image_becomes=image_words(image),
    )


def image_words(image: Mapping[str, JSON]) -> str:
    """`id 3f2a...` or `name ubuntu-24.04`."""
    return " ".join(_parts(image))


def _parts(image: Mapping[str, JSON]) -> Iterator[str]:
    for key, value in image.items():
        if isinstance(value, Mapping):
            yield from _parts(value)
        else:
            yield f"{key} {value}"
