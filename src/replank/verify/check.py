"""What a check is: a question, what must have been seen to answer it, and the function that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from replank.domain.unknown import Unknown
from replank.verify.model import Finding, Outcome
from replank.verify.sight import Sight

NODES: Final = "Nodes"
LEASES: Final = "Leases"
STATES: Final = "states"
CLOUD: Final = "OpenStack"
JUDGEMENT: Final = "judgement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a check says of one thing: see `Finding`."""

    outcome: Outcome
    subject: str = ""
    why: str
    todo: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`needs`: kinds of the management cluster, and the other sources by the names above; a listing of the
    project as `OpenStack servers`. `look` yields what is to be said; nothing = it passes."""

    code: str
    says: str
    needs: tuple[str, ...]
    look: Callable[[Sight], Iterable[Found]]

    def findings(self, sight: Sight) -> Iterator[Finding]:
        """At least one. What it needs and was not seen makes it unknown: it is not asked then."""
        blind = [seen for need in self.needs if (seen := unseen(sight, need)) is not None]
        if blind:
            why = "; ".join(dict.fromkeys(unknown.unknown for unknown in blind))
            yield Finding(code=self.code, says=self.says, outcome="unknown", why=why)
            return
        found = list(self.look(sight))
        for each in found:
            yield Finding(
                code=self.code,
                says=self.says,
                outcome=each.outcome,
                subject=each.subject,
                why=each.why,
                todo=each.todo,
                evidence=each.evidence,
            )
        if not found:
            yield Finding(code=self.code, says=self.says, outcome="pass")


def unseen(sight: Sight, need: str) -> Unknown | None:
    """Why a source could not be seen, None where it was."""
    sources = {
        NODES: sight.nodes,
        LEASES: sight.leases,
        STATES: sight.states,
        CLOUD: sight.cloud,
        JUDGEMENT: sight.judged,
    }
    source, _, listing = need.partition(" ")
    if source not in sources:
        return sight.unread.get(need)
    fact = sources[source]
    if isinstance(fact, Unknown):
        return fact
    part = getattr(fact, listing) if listing else None
    return part if isinstance(part, Unknown) else None
