"""Worker groups: which workers are alike enough to become one MachineDeployment, and what it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Final

from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.likeness import lead_of, most_common
from replank.migrations.takeover.naming import slug_of
from replank.migrations.takeover.openstack.shape import ServerShape
from replank.migrations.takeover.registration import Registration
from replank.plan.slug import LABEL_LIMIT, limited, slug

NAME_LIMIT: Final = LABEL_LIMIT - len("-adopted")
"""The MachineSet is called `<group>-adopted`, and its name must fit into a label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A machine with all that likeness is judged by."""

    adoptee: Adoptee
    shape: ServerShape
    registration: Registration


def leading(members: Sequence[Member]) -> int:
    """Index of the member that is most like the others; it decides where two halves are unlike."""
    return lead_of(
        [
            (
                *(getattr(m.shape, f.name) for f in fields(m.shape)),
                *(getattr(m.registration, f.name) for f in fields(m.registration)),
                m.adoptee.server.availability_zone,
                m.adoptee.version,
            )
            for m in members
        ]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Machines that get one template. `why`: what they have in common, for the reader."""

    name: str
    members: tuple[Member, ...]
    why: str

    @property
    def adoptees(self) -> tuple[Adoptee, ...]:
        """The machines, sorted by name."""
        return tuple(member.adoptee for member in self.members)


_Likeness = tuple[object, ...]


def _likeness(member: Member, one_image: bool) -> _Likeness:
    """Flavor, image, networks, security groups, zone, labels, taints and kubelet settings.

    `one_image`: all new machines get one image, so the old ones' images make no group.
    """
    shape, registration = member.shape, member.registration
    return (
        shape.flavor_id or shape.flavor,
        "" if one_image else shape.image_id,
        shape.root_volume is not None,
        tuple((p.network_id, p.subnet_ids, p.security_group_ids, p.port_security) for p in shape.ports),
        member.adoptee.server.availability_zone,
        registration.labels,
        registration.machine_labels,
        registration.taints,
        registration.flags,
        registration.settings,
        registration.cri_socket,
        registration.max_pods,
    )


def worker_groups(
    cluster: str, members: Sequence[Member], *, one_image: bool, reserved: str = ""
) -> tuple[Group, ...]:
    """The groups, sorted by name. Groups that fleet.yaml names win over likeness.

    `reserved`: the control plane's name, which no group may have: their templates would be one object.
    """
    named: dict[str, list[Member]] = {}
    alike: dict[_Likeness, list[Member]] = {}
    for member in sorted(members, key=lambda m: (m.adoptee.name, m.adoptee.server.id)):
        if member.adoptee.group:
            named.setdefault(_named(cluster, member.adoptee.group, reserved), []).append(member)
        else:
            alike.setdefault(_likeness(member, one_image), []).append(member)
    taken = {*named, reserved}
    found = [
        Group(name=name, members=tuple(of), why="fleet.yaml names this group") for name, of in named.items()
    ]
    formed = sorted(alike.values(), key=lambda of: of[0].adoptee.name)
    names = _formed_names(cluster, formed, taken)
    for name, of in zip(names, formed, strict=True):
        found.append(Group(name=name, members=tuple(of), why=_why(of)))
    return tuple(sorted(found, key=lambda group: group.name))


def _named(cluster: str, group: str, reserved: str) -> str:
    name = slug_of(group)
    name = limited(name if name.startswith(f"{cluster}-") else f"{cluster}-{name}", NAME_LIMIT)
    return name if name != reserved else limited(f"{name}-workers", NAME_LIMIT)


def _formed_names(cluster: str, groups: Sequence[Sequence[Member]], taken: set[str]) -> list[str]:
    """The shortest readable names that tell the groups apart: one group needs only `worker`."""
    for tell in _TELLS[0 if len(groups) == 1 else 1 :]:
        names = [limited(f"{cluster}-{slug(tell(of))}".rstrip("-"), NAME_LIMIT) for of in groups]
        if all(tell(of) for of in groups) and len(set(names)) == len(names) and not taken & set(names):
            return names
    numbered = []
    for number, _ in enumerate(groups, start=1):
        name = limited(f"{cluster}-worker-{number}", NAME_LIMIT)
        while name in taken:
            name = limited(f"{name}-alike", NAME_LIMIT)
        numbered.append(name)
    return numbered


def _flavor(of: Sequence[Member]) -> str:
    return most_common((m.adoptee.server.flavor or m.shape.flavor_id for m in of), "")


def _zone(of: Sequence[Member]) -> str:
    return most_common((m.adoptee.server.availability_zone for m in of), "")


def _marks(of: Sequence[Member]) -> str:
    """Values of the labels and taints that were given to these Nodes, as people name pools by them."""
    registration = of[0].registration
    labels = [value or key.rpartition("/")[2] for key, value in registration.machine_labels]
    labels += [value or key.rpartition("/")[2] for key, value in registration.labels]
    taints = [taint.value or taint.key.rpartition("/")[2] for taint in registration.taints]
    return "-".join(dict.fromkeys([*labels, *taints]))


_TELLS: tuple[Callable[[Sequence[Member]], str], ...] = (
    lambda _: "worker",
    _flavor,
    _zone,
    _marks,
    lambda of: f"{_flavor(of)}-{_zone(of)}",
    lambda of: f"{_flavor(of)}-{_marks(of)}",
    lambda of: f"{_zone(of)}-{_marks(of)}",
    lambda of: f"{_flavor(of)}-{_zone(of)}-{_marks(of)}",
)


def _why(of: Sequence[Member]) -> str:
    marks = _marks(of)
    parts = [f"flavor {_flavor(of)}", f"zone {_zone(of) or 'unknown'}"] + (
        [f"marked {marks}"] if marks else []
    )
    return "alike: " + ", ".join(parts)
