"""Servers are what Cluster API believes, and what it would make again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from replank.domain.unknown import Fact, Unknown
from replank.inventory.cluster_api.names import NO_USER_DATA
from replank.inventory.cluster_api.object_meta import key_of, part
from replank.inventory.fleet.model import NewMachines
from replank.verify.check import CLOUD, Check, Found
from replank.verify.reality.server import as_it_is, image
from replank.verify.reality.trait import FLAVOR, IMAGE, TRAITS, Makeup, Trait, differs
from replank.verify.rollout import live_machines, next_makeup, own_makeup
from replank.verify.sight import Document, Sight, is_control_plane, name_of

_NEEDS: Final = (
    *("Machine", "MachineSet", "MachineDeployment", "KubeadmControlPlane", "OpenStackCluster"),
    *("OpenStackMachine", "OpenStackServer", "OpenStackMachineTemplate", f"{CLOUD} servers"),
)


def _drifted(sight: Sight) -> Iterator[Found]:
    assert not isinstance(sight.cloud, Unknown)
    cloud = sight.cloud
    for name, live in live_machines(sight, cloud).items():
        declared = own_makeup(sight, live.machine, cloud)
        if declared is None:
            continue
        wanted = {**declared, IMAGE: _resolved_image(sight, live.machine, declared)}
        wrong, unseen = _compared(as_it_is(live.server, cloud), wanted)
        meant = _meant(sight, live.machine, declared) if _is_adopted(live.machine) else ()
        if wrong:
            faults = _without(wrong, meant)
            yield Found(
                outcome="fail" if faults else "note",
                subject=f"Machine {name}",
                why="its server is not what its OpenStackMachine says",
                todo="Somebody changed the server behind Cluster API, which will not put it right. Change it "
                "back, or let the Machine be replaced."
                if faults
                else "So it is meant: the Machine was adopted, and fleet.yaml asks for this of new machines.",
                evidence=tuple(wrong),
            )
        elif unseen:
            yield Found(outcome="unknown", subject=f"Machine {name}", why="; ".join(unseen))


def _resolved_image(sight: Sight, machine: Document, declared: Makeup) -> Fact[Trait]:
    """Where a name or ORC's Image chose the image, the one that CAPO found when it made the server."""
    assert not isinstance(sight.cloud, Unknown)
    infrastructure = sight.infrastructure(machine)
    if infrastructure is None or part(infrastructure, "spec", "image").get("id"):
        return declared[IMAGE]
    server = sight.get("OpenStackServer", name_of(infrastructure))
    found = part(server, "status", "resolved").get("imageID")
    if not found:
        return Unknown("its OpenStackServer does not tell which image it was made from")
    return image(str(found), sight.cloud)


def _compared(now: Makeup, wanted: Makeup) -> tuple[list[str], list[str]]:
    """What differs, and what cannot be compared, in words."""
    wrong, unseen = [], []
    for name in TRAITS:
        has, wants = now[name], wanted[name]
        apart = differs(has, wants)
        if isinstance(has, Unknown) or isinstance(wants, Unknown):
            unseen.append(f"{name}: {_why(has, wants)}")
        elif apart is None:
            unseen.append(f"{name}: the project does not have {wants.absent}, so it cannot be compared")
        elif apart:
            wrong.append(f"{name}: the server has {has.text}, it should be {wants.text}")
    return wrong, unseen


def _why(*facts: Fact[Trait]) -> str:
    return "; ".join(fact.unknown for fact in facts if isinstance(fact, Unknown))


def _out_of_line(sight: Sight) -> Iterator[Found]:
    """Machines that are about to be replaced anyway are left to RP753."""
    assert not isinstance(sight.cloud, Unknown)
    cloud, rolling = sight.cloud, _rolling(sight)
    for name, live in live_machines(sight, cloud).items():
        keeper = sight.keeper(live.machine)
        if keeper is None or name in rolling:
            continue
        coming = next_makeup(sight, keeper, cloud)
        if isinstance(coming, Unknown):
            yield Found(outcome="unknown", subject=f"Machine {name}", why=coming.unknown)
            continue
        now = as_it_is(live.server, cloud)
        wrong, unseen = _compared(now, coming)
        if wrong:
            faults = _without(wrong, _meant(sight, live.machine, coming))
            yield Found(
                outcome="fail" if faults else "note",
                subject=f"Machine {name}",
                why=f"a replacement that {key_of(keeper)} makes would be another machine",
                todo="Correct the template under a new name if it is not meant so."
                if faults
                else "So it is meant: fleet.yaml says it, or the template leaves the choice to a name.",
                evidence=tuple(wrong),
            )
        elif unseen:
            yield Found(outcome="unknown", subject=f"Machine {name}", why="; ".join(unseen))


def _is_adopted(machine: Document) -> bool:
    return part(machine, "spec", "bootstrap").get("dataSecretName") == NO_USER_DATA


def _meant(sight: Sight, machine: Document, coming: Makeup) -> tuple[str, ...]:
    """Traits that fleet.yaml or a name asks to be others in new machines."""
    wanted = sight.new_control_planes if is_control_plane(machine) else sight.new_machines
    return tuple(trait for trait in (IMAGE, FLAVOR) if _is_meant(coming[trait], wanted, trait))


def _without(wrong: Sequence[str], meant: Sequence[str]) -> list[str]:
    return [text for text in wrong if text.partition(":")[0] not in meant]


def _is_meant(coming: Fact[Trait], new: NewMachines, trait: str) -> bool:
    """Whether fleet.yaml or a name asks for another one."""
    if isinstance(coming, Unknown):
        return False
    named = new.image if trait == IMAGE else new.flavor
    return coming.chosen or (bool(named) and (named == coming.text or named in coming.values))


def _rolling(sight: Sight) -> frozenset[str]:
    """Machines that would be replaced now."""
    if isinstance(sight.judged, Unknown):
        return frozenset()
    objects = {replaced.object for replaced in sight.judged.rolling}
    found = set()
    for name, machine in sight.of("Machine").items():
        owner = sight.controller(machine)
        if f"Machine/{name}" in objects or (owner is not None and key_of(owner) in objects):
            found.add(name)
    return frozenset(found)


CHECKS: Final = (
    Check(
        code="RP754",
        says="Every server is what its OpenStackMachine says",
        needs=_NEEDS,
        look=_drifted,
    ),
    Check(
        code="RP755",
        says="Templates are in line with the servers: a replacement would be alike",
        needs=_NEEDS,
        look=_out_of_line,
    ),
)
