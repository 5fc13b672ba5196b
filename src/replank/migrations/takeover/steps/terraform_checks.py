"""What the live Terraform state says, and `terraform plan` where it can be run."""

from __future__ import annotations

from replank.domain.verdict import Verdict, failed, passed, waiting
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.terraform import (
    forget_ids,
    holder,
    is_ours,
    named,
    state_now,
    still_known,
    type_of,
)
from replank.plan.parameters import Params, optional, text


async def unlocked(at: At, params: Params) -> Verdict:
    """`terraform.unlocked`: nobody else holds the lock; with `ours: false`, replank does not."""
    locked_by = (await state_now(at, params)).locked_by
    ours = is_ours(at.plan, locked_by)
    if params.get("ours") is False:
        return waiting("replank still holds the lock") if ours else passed(locked_by=locked_by)
    if locked_by and not ours:
        return waiting(f"{locked_by[:200]} holds the lock of state {text(params, 'state')}")
    return passed(ours=ours)


async def locked(at: At, params: Params) -> Verdict:
    """`terraform.locked`: replank holds the lock, or there is none to hold.

    Some locks end with the process that took them, so it is taken again here: for the holder that changes
    nothing, and a run that goes on after a crash holds it too.
    """
    locked_by = (await state_now(at, params)).locked_by
    if locked_by and not is_ours(at.plan, locked_by):
        return waiting(f"{locked_by[:200]} holds the lock of state {text(params, 'state')}")
    how = await at.access.states.lock(text(params, "state"), text(params, "workspace"), holder(at.plan))
    return passed(held=how or "the back end has no lock")


async def state_is(at: At, params: Params) -> Verdict:
    """`terraform.state-is`: the surveyed lineage, no older, and each resource that the step lets go where it
    was or not at all. A higher serial is no fault: clusters share states, and forgetting writes too.
    """
    now, ids = await state_now(at, params), forget_ids(at.step.params)
    serial, lineage = params.get("serial"), params.get("lineage")
    evidence = {"surveyed": serial, "serial": now.serial}
    again = "Survey and plan again."
    if lineage and now.lineage != lineage:
        return failed("the state has another lineage than the one that was surveyed", again, **evidence)
    if isinstance(serial, int) and now.serial < serial:
        return failed("the state is older than the one that was surveyed", again, **evidence)
    other = sorted(a for a, i in ids.items() if now.resources.get(a, i) != i)
    if other:
        return failed(f"{named(other)} now has another ID in the state", again, **evidence)
    moved = sorted(set(still_known(now, ids)) - set(ids))
    if moved:
        return failed(f"the state has what the plan lets go under other addresses: {named(moved)}", again)
    return passed(**evidence, listed=len(ids.keys() & now.resources.keys()))


async def no_changes(at: At, params: Params) -> Verdict:
    """`terraform.no-changes`. `until: begun`: once one of the step's resources is gone from the state,
    forgetting has begun, and until it has ended `terraform plan` would make them again."""
    state, workspace = text(params, "state"), text(params, "workspace")
    if optional(params, "until") == "begun":
        gone = sorted(forget_ids(at.step.params).keys() - (await state_now(at, params)).resources.keys())
        if gone:
            return passed(not_asked=f"forgetting has begun: {named(gone)}")
    changes = await at.access.states.changes(state, workspace)
    if changes is None:
        return failed(
            f"`terraform plan` cannot be run for state {state} here",
            "The survey saw its configuration. Put it back, run `init` there, have the tool in the PATH; or "
            "name the state as `file` in fleet.yaml, survey and plan again without this check.",
        )
    if not changes:
        return passed()
    return waiting(
        f"`terraform plan` of state {state} wants: {changes}. Bring configuration and state together, or "
        "apply the `removed` blocks; never let it destroy"
    )


async def forgotten(at: At, params: Params) -> Verdict:
    """`terraform.forgotten`."""
    now = await state_now(at, params)
    left = sorted(still_known(now, forget_ids(at.step.params)))
    if left:
        return waiting(f"the state still lists {named(left)}", types=sorted({type_of(a) for a in left}))
    return passed(serial=now.serial)
