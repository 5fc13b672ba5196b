"""One round of one cluster: look, decide, act, tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from replank.domain.errors import ReplankError
from replank.guards.decide.going import going
from replank.guards.decide.pools import expects_member
from replank.guards.decide.round import decide
from replank.guards.decision import Action, Decision, Release
from replank.guards.sight import Sight
from replank.guards.work.act import Fault, act
from replank.guards.work.look import look
from replank.guards.work.systems import Systems
from replank.guards.work.tell import tell

AT_ONCE_S: Final = 1.0
"""Seconds to the next look while Cluster API is about to add a member that does not answer yet."""
SOON_S: Final = 3.0
"""Seconds to the next look while a Machine is going."""
LATER_S: Final = 30.0
"""And while none is: pools are looked after, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounded:
    """What a round came to. `faults`: actions that did not work; `untold`: Machines that could not be told.
    `again_s`: when to look again, unless something happens before."""

    sight: Sight
    decision: Decision
    done: tuple[Action, ...]
    faults: tuple[Fault, ...]
    untold: tuple[tuple[str, ReplankError], ...]
    again_s: float


async def go_round(systems: Systems, namespace: str, cluster: str) -> Rounded | None:
    """None where there is no such Cluster any more. Raises what `look` raises."""
    seen = await look(systems, namespace, cluster)
    if seen is None:
        return None
    decision = decide(seen.sight, seen.policy)
    done, faults = await act(systems, seen.cluster, decision.actions, seen.sight.at)
    undone = set(decision.actions) - set(done)
    held = {action.machine for action in undone if isinstance(action, Release)}
    untold: list[tuple[str, ReplankError]] = []
    for word in decision.words:
        if word.machine in held:
            continue  # it would say released, and is not
        try:
            await tell(systems.management, seen.machines[word.machine], word, seen.sight.at)
        except ReplankError as error:
            untold.append((word.machine, error))
    busy = going(seen.sight) or undone or untold
    calm_s = SOON_S if busy else LATER_S
    return Rounded(
        sight=seen.sight,
        decision=decision,
        done=done,
        faults=faults,
        untold=tuple(untold),
        again_s=AT_ONCE_S if expects_member(seen.sight, seen.policy) else calm_s,
    )
