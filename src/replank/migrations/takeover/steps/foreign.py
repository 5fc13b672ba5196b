"""What Cluster API has made by itself. Where there is any of it, an undo would not give everything back."""

from __future__ import annotations

from typing import Final

from replank.domain.errors import Refused
from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.family import SERVER_KIND, Family, look, server_names
from replank.migrations.takeover.steps.live_object import name_of, spec_of
from replank.plan.takeover import TakeoverPlan

MAKES_MACHINES: Final = (
    "Machine",
    "MachineSet",
    "MachineDeployment",
    "MachinePool",
    "KubeadmControlPlane",
    "KubeadmConfig",
    "OpenStackMachine",
    SERVER_KIND,
)
"""Kinds of which each object stands for a machine, or makes some."""


def foreign_objects(plan: TakeoverPlan, family: Family) -> list[str]:
    """`Kind/name` of the cluster's live objects of `MAKES_MACHINES` that the plan does not know."""
    return [found for found in family.objects if not _is_planned(plan, found)]


def _is_planned(plan: TakeoverPlan, found: str) -> bool:
    kind, _, name = found.partition("/")
    if kind not in MAKES_MACHINES:
        return True
    if kind == SERVER_KIND:
        return name in server_names(plan)
    return found in plan.manifests


def foreign_machines(plan: TakeoverPlan, family: Family) -> list[str]:
    """Names of the Machines that the plan does not know."""
    return [name for name in family.of("Machine") if key("Machine", name) not in plan.manifests]


async def require_only_planned(at: At) -> None:
    """Before anything is undone. Raises `Refused` (RP862) naming what Cluster API has made."""
    refuse_foreign(at.plan, await look(at, MAKES_MACHINES))


def refuse_foreign(plan: TakeoverPlan, family: Family) -> None:
    """Raises `Refused` (RP862) where anything is foreign."""
    found = foreign_objects(plan, family)
    if not found:
        return
    machines = [_machine_text(family, name) for name in foreign_machines(plan, family)]
    lost = f" Their servers cannot be given back: {'; '.join(machines)}." if machines else ""
    raise Refused(
        "RP862",
        f"The takeover of {plan.cluster} cannot be undone as it is",
        f"Cluster API has made objects that are not the plan's: {', '.join(found)}.{lost} A machine that was "
        "replaced does not come back",
        "Let Cluster API scale its own machines away first (one at a time), then undo again; or keep the "
        "cluster under Cluster API.",
    )


def _machine_text(family: Family, name: str) -> str:
    machine = family.get("Machine", name)
    assert machine is not None
    provider_id = spec_of(machine).get("providerID") or "no server yet"
    return f"Machine {name_of(machine)} ({provider_id})"
