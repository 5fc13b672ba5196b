"""replank's own comparison as a `Judge`."""

from __future__ import annotations

from collections.abc import Mapping

from replank.inventory.cluster_api.would_roll import would_roll
from replank.ports.access import Clock, Document, Judgement, Rolling


class OwnJudge:
    """`clock`: rollout.after and the expiry of certificates are held against it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def judge(self, objects: Mapping[str, Document]) -> Judgement:
        """See `ports.access.Judge`; `by` is `replank`."""
        found = would_roll(objects, self._clock.now())
        return Judgement(by="replank", rolling=tuple(Rolling(object=r.object, why=r.why) for r in found))
