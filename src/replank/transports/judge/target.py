"""The best judge there is for a plan's version of Cluster API."""

from __future__ import annotations

import os
from collections.abc import Mapping

from replank.ports.access import Clock, Document, Judge, Judgement
from replank.transports.judge.own import OwnJudge
from replank.transports.judge.upstream import UpstreamJudge, find_program


class TargetJudge:
    """Upstream's code where the program is there and was built from exactly `target`, else replank's own.

    `target`: the plan's `Targets.cluster_api`, as `v1.14.0`. Whoever needs upstream's word looks at
    `Judgement.by`.
    """

    def __init__(self, target: str, *, clock: Clock, environment: Mapping[str, str] | None = None) -> None:
        self._target = target
        self._clock = clock
        self._environment = os.environ if environment is None else environment
        self._judge: Judge | None = None

    async def judge(self, objects: Mapping[str, Document]) -> Judgement:
        """See `ports.access.Judge`."""
        if self._judge is None:
            self._judge = await self._chosen()
        return await self._judge.judge(objects)

    async def _chosen(self) -> Judge:
        program = find_program(self._environment)
        if program is not None:
            upstream = UpstreamJudge(program, clock=self._clock)
            if await upstream.version() == f"cluster-api {self._target}":
                return upstream
        return OwnJudge(self._clock)
