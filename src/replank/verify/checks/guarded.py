"""replank's hooks on the Machines, and whether somebody answers them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from replank.domain.unknown import Unknown
from replank.inventory.cluster_api.names import HOOKS
from replank.inventory.cluster_api.object_meta import annotated, moment, part
from replank.verify.check import Check, Found
from replank.verify.sight import Document, Sight

LEASE: Final = "replank-operator"
"""The Lease by which the operator's replicas choose a leader."""
_LATE: Final = 4
"""Leader election renews a Lease several times in its duration; after so many durations nobody does."""


def _hooks(sight: Sight) -> Iterator[Found]:
    machines = sight.of("Machine")
    bare = {name: [h for h in HOOKS if h not in annotated(m)] for name, m in machines.items()}
    bare = {name: missing for name, missing in bare.items() if missing}
    if bare:
        yield Found(
            outcome="note",
            why=f"{len(bare)} of {len(machines)} Machines lack a hook: Cluster API drains and terminates "
            "them without replank",
            todo="A ClusterGuard with `hooks: all` makes the operator put them on.",
            evidence=tuple(
                f"{name}: without {' and '.join(h.partition('.')[0] for h in missing)}"
                for name, missing in sorted(bare.items())
            ),
        )


def _answered(sight: Sight) -> Iterator[Found]:
    """Nobody is needed, or looked for, where no Machine has a hook."""
    hooked = sorted(name for name, m in sight.of("Machine").items() if any(h in annotated(m) for h in HOOKS))
    if not hooked:
        return
    if isinstance(sight.leases, Unknown):
        yield Found(outcome="unknown", why=sight.leases.unknown)
        return
    ages = [age for lease in sight.leases if (age := _overdue(sight.at, lease)) is not None]
    if any(age <= 0 for age in ages):
        return
    last = f"Lease {LEASE} was last renewed too long ago" if ages else f"there is no renewed Lease {LEASE}"
    yield Found(
        outcome="fail",
        why=f"{last}: {len(hooked)} Machines carry replank's hooks and nobody takes them off, so a rollout "
        "or a deletion waits for ever",
        todo="Run `replank operator`, or take the hooks off.",
        evidence=tuple(hooked),
    )


def _overdue(at: float, lease: Document) -> float | None:
    """Seconds beyond what can pass between two renewals, None where nobody holds it."""
    spec = part(lease, "spec")
    renewed = moment(spec.get("renewTime"))
    if renewed is None or not spec.get("holderIdentity"):
        return None
    return at - renewed - _LATE * float(spec.get("leaseDurationSeconds") or 15)


CHECKS: Final = (
    Check(code="RP749", says="Every Machine carries replank's hooks", needs=("Machine",), look=_hooks),
    Check(
        code="RP750",
        says="The hooks are answered: replank's operator is at work",
        needs=("Machine",),
        look=_answered,
    ),
)
