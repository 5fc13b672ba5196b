"""Steps `verify.*`: they change nothing; their checks are what they are for."""

from __future__ import annotations

from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.live_object import spec_of
from replank.migrations.takeover.steps.node_metadata import node_ref
from replank.plan.parameters import number


class Look:
    """Its checks look."""

    async def found(self, _: At) -> JSON:
        """Nothing is there to put back."""
        return None

    async def apply(self, _: At) -> JSON:
        """Nothing."""
        return None

    async def undo(self, _: At) -> JSON:
        """Nothing."""
        return None


class LookAfterQuiet(Look):
    """Lets the controllers have `quiet_seconds`, so that what they want shows, before its checks look."""

    async def found(self, at: At) -> JSON:
        """`cordoned`: the plan's Nodes that are unschedulable before."""
        cordoned: list[JSON] = []
        for machine in at.plan.machines:
            node = await at.access.workload.get(node_ref(machine.node))
            if node is not None and spec_of(node).get("unschedulable"):
                cordoned.append(machine.node)
        return {"cordoned": cordoned}

    async def apply(self, at: At) -> JSON:
        """Waits."""
        seconds = number(at.step.params, "quiet_seconds")
        await at.access.clock.sleep(seconds)
        return {"waited_s": seconds}
