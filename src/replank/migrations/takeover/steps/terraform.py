"""Terraform lets go, and its state's lock.

replank edits neither a state nor a repository: the operator does, and the step holds until the live state
lists the resources no more. Undo holds until it lists them again and, where the plan had `terraform plan`
run, until that has nothing to do. A state that was filled by imports lists the same IDs, and would replace
every machine: the provider does not read all arguments back (seen with terraform-provider-openstack v3.4.0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from replank.domain.errors import Hold
from replank.inventory.facts.json_value import JSON
from replank.inventory.terraform.address import enclosing
from replank.migrations.takeover.manifest import texts
from replank.migrations.takeover.steps.at import At
from replank.plan.parameters import found_before, malformed, pairs, text
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import StateNow

SHOWN = 8
"""Addresses in one message; the journal's evidence has all."""


class TerraformForget:
    """`terraform.forget`."""

    async def found(self, at: At) -> JSON:
        now = await state_now(at, at.step.params)
        listed = {a: i for a, i in now.resources.items() if a in forget_ids(at.step.params)}
        return {"serial": now.serial, "listed": dict(sorted(listed.items()))}

    async def apply(self, at: At) -> JSON:
        now = await state_now(at, at.step.params)
        left = still_known(now, forget_ids(at.step.params))
        if left:
            raise Hold(
                "RP871",
                f"State {text(at.step.params, 'state')} still lists {_count(left)} of this cluster",
                named(sorted(left)),
                "Take them out of the state and their blocks out of the configuration: `replank show PLAN "
                "--forget DIR` writes the `removed` blocks and `state rm` lines, and a README that names "
                "each block and reference by file and line. It goes on by itself.",
            )
        return {"serial": now.serial, "forgotten": texts(sorted(forget_ids(at.step.params)))}

    async def undo(self, at: At) -> JSON:
        listed = pairs(found_before(at.before), "listed")
        now = await state_now(at, at.step.params)
        missing = sorted(a for a, i in listed.items() if now.resources.get(a) != i)
        if missing:
            raise Hold(
                "RP872",
                f"State {text(at.step.params, 'state')} does not list {_count(missing)} again",
                named(missing),
                "Put their blocks back, and them into the state: `replank show PLAN --forget DIR` writes "
                "`restore.sh`, which takes them from the state of before, and `import.tf`. It goes on by "
                "itself.",
            )
        if any(check.kind == "terraform.no-changes" for check in at.step.after):
            await _require_empty_plan(at)
        return {"serial": now.serial, "listed": texts(sorted(listed))}


async def _require_empty_plan(at: At) -> None:
    state = text(at.step.params, "state")
    changes = await at.access.states.changes(state, text(at.step.params, "workspace"))
    if changes != "":
        raise Hold(
            "RP872",
            f"State {state} is not as it was: `terraform plan` is not empty",
            "it cannot be run here" if changes is None else changes,
            "Do not apply it. Put the blocks back as they were; for resources that it would replace use "
            "`restore.sh` of `replank show PLAN --forget DIR`. It goes on by itself.",
        )


class TerraformLock:
    """`terraform.lock`: the back end's own lock, where it has one."""

    async def found(self, at: At) -> JSON:
        return {"held": is_ours(at.plan, (await state_now(at, at.step.params)).locked_by)}

    async def apply(self, at: At) -> JSON:
        return {"held": await take_lock(at)}

    async def undo(self, at: At) -> JSON:
        if not found_before(at.before).get("held"):
            await give_lock_back(at)
            return {"held": False}
        return {"held": await take_lock(at)}


class TerraformUnlock:
    """`terraform.unlock`."""

    async def found(self, at: At) -> JSON:
        return {"held": is_ours(at.plan, (await state_now(at, at.step.params)).locked_by)}

    async def apply(self, at: At) -> JSON:
        await give_lock_back(at)
        return {"held": False}

    async def undo(self, at: At) -> JSON:
        if found_before(at.before).get("held"):
            return {"held": await take_lock(at)}
        return {"held": False}


async def state_now(at: At, params: Mapping[str, JSON]) -> StateNow:
    """The live state that a step or check speaks of."""
    return await at.access.states.now(text(params, "state"), text(params, "workspace"))


async def take_lock(at: At) -> str:
    """How it is held. Raises `Hold` RP873 while somebody else holds it."""
    state, workspace = text(at.step.params, "state"), text(at.step.params, "workspace")
    locked_by = (await at.access.states.now(state, workspace)).locked_by
    if locked_by and not is_ours(at.plan, locked_by):
        raise Hold(
            "RP873",
            f"State {state} is locked",
            f"{locked_by[:200]} holds the lock",
            "Let them finish. It goes on by itself.",
        )
    return await at.access.states.lock(state, workspace, holder(at.plan)) or "the back end has no lock"


async def give_lock_back(at: At) -> None:
    """Only replank's own; another's stays."""
    params = at.step.params
    await at.access.states.unlock(text(params, "state"), text(params, "workspace"), holder(at.plan))


def holder(plan: TakeoverPlan) -> str:
    """Who holds the lock, the same in every run of the takeover."""
    return f"replank takeover of {plan.namespace}/{plan.cluster}"


def is_ours(plan: TakeoverPlan, locked_by: str) -> bool:
    """Whether the lock's holder is this takeover. Back ends add times and host names to it."""
    return re.search(rf"{re.escape(holder(plan))}(?![-\w])", locked_by) is not None


def forget_ids(params: Mapping[str, JSON]) -> dict[str, str]:
    """Address -> ID of what is to be forgotten. Raises `Refused` RP877."""
    entries = params.get("forget")
    if not isinstance(entries, list):
        raise malformed("forget", "is no list")
    return {str(e["address"]): str(e["id"]) for e in entries if isinstance(e, dict)}


def still_known(now: StateNow, ids: Mapping[str, str]) -> dict[str, str]:
    """What the state lists of these resources: by address, or by type and ID under another address."""
    wanted = {(type_of(address), thing) for address, thing in ids.items()}
    return {
        address: thing
        for address, thing in now.resources.items()
        if address in ids or (type_of(address), thing) in wanted
    }


def type_of(address: str) -> str:
    """The resource type in an address. IDs alone are not unique: a floating IP's association has its ID."""
    around = enclosing(address)
    block = around[-2] if address.endswith("]") and len(around) > 1 else address
    return block.split(".")[-2] if "." in block else block


def named(addresses: list[str]) -> str:
    """The first of them, and how many more."""
    more = f" and {len(addresses) - SHOWN} more" if len(addresses) > SHOWN else ""
    return ", ".join(addresses[:SHOWN]) + more


def _count(things: Mapping[str, str] | list[str]) -> str:
    return f"{len(things)} resource{'s' if len(things) != 1 else ''}"
