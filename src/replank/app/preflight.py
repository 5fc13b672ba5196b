"""Everything that is looked at before the first write. What fails here leaves every system as it was."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from replank.app.approvals import Approval, read_approval
from replank.app.drift_check import drifted
from replank.app.earlier import run_to_carry_on
from replank.app.fleet_file import clusters_named
from replank.app.plan_files import PlanFile, Rejected
from replank.app.runs import newest_of_each, stage_named
from replank.app.wiring import Wiring
from replank.domain.errors import Refused, ReplankError
from replank.inventory.fleet.model import ClusterConfig, Fleet
from replank.migrations.takeover.vocabulary import OWN_JUDGE, judged_upstream
from replank.plan.codec import AnyPlan
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Access
from replank.ports.journal import Journal, Run
from replank.survey.progress import Progress
from replank.transports.judge.upstream import PROGRAM, VARIABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A plan that may be carried out. `run`: an unfinished run of the same plan, which goes on."""

    file: PlanFile
    config: ClusterConfig
    approval: Approval | None = None
    run: Run | None = None

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self.file.cluster


@dataclass(slots=True, kw_only=True)
class Preflight:
    """`until`: a stage, "" = the end. `most`: workload clusters that one management cluster may get."""

    fleet: Fleet
    wiring: Wiring
    journal: Journal
    progress: Progress
    until: str = ""
    parallel: int = 10
    most: int = 200
    judged_by_replank: bool = False
    tell: Callable[[str], None]

    async def check(self, files: Sequence[PlanFile]) -> tuple[list[Candidate], list[Rejected]]:
        """Those that may begin, in the order of `files`, and those that may not, with the reason."""
        candidates: list[Candidate] = []
        rejected: list[Rejected] = []
        for file in files:
            try:
                candidates.append(await self._candidate(file))
            except ReplankError as error:
                rejected.append(Rejected(file.cluster, error))
        crowd = Crowd(self.most)
        looked = await self._each(candidates, lambda candidate, access: self._look(candidate, access, crowd))
        candidates = self._keep(candidates, looked, rejected)
        new = [(c.file, c.config) for c in candidates if c.run is None]
        # A run that goes on has changed the cluster itself; its steps' own checks look at what they need.
        gone = await drifted(
            new, self.wiring.readers(), self.progress, datetime.now(UTC), parallel=self.parallel
        )
        candidates = self._keep(candidates, gone, rejected)
        unjudged = await self._each(candidates, self._require_upstream)
        return self._keep(candidates, unjudged, rejected), rejected

    def _keep(
        self, candidates: list[Candidate], found: list[Rejected], rejected: list[Rejected]
    ) -> list[Candidate]:
        rejected += found
        names = {each.subject for each in found}
        return [c for c in candidates if c.cluster not in names]

    async def _candidate(self, file: PlanFile) -> Candidate:
        stage_named(file.plan, self.until)
        (config,) = clusters_named(self.fleet, (file.cluster,))
        approval = read_approval(file)
        earlier = await newest_of_each(self.journal, file.cluster)
        run = run_to_carry_on(file, self.until, earlier)
        return Candidate(file=file, config=config, approval=approval, run=run)

    async def _each(
        self, candidates: Sequence[Candidate], look: Callable[[Candidate, Access], Awaitable[None]]
    ) -> list[Rejected]:
        """Looks at each cluster's systems; those of which it refuses something."""
        gate = asyncio.Semaphore(self.parallel)

        async def one(candidate: Candidate) -> Rejected | None:
            async with gate:
                try:
                    async with self.wiring.access(candidate.config, candidate.file.plan) as access:
                        await look(candidate, access)
                except ReplankError as error:
                    return Rejected(candidate.cluster, error)
            return None

        found = await asyncio.gather(*map(one, candidates))
        return [each for each in found if each is not None]

    async def _look(self, candidate: Candidate, access: Access, crowd: Crowd) -> None:
        """Rights and room."""
        plan = candidate.file.plan
        missing = await self.wiring.missing_rights(access, plan)
        if missing:
            raise _too_few_rights(candidate, missing)
        if candidate.run is not None or not isinstance(plan, TakeoverPlan):
            return
        try:
            version = plan.targets.cluster_api_version
            there = await access.management.list(f"cluster.x-k8s.io/{version}", "Cluster")
        except Refused as error:
            self.tell(
                f"{candidate.cluster}: the management cluster's clusters are not counted: {error.reason}"
            )
            there = ()
        crowd.enter(candidate, len(there))

    async def _require_upstream(self, candidate: Candidate, access: Access) -> None:
        """KCP is unpaused on the word of upstream's own code, where there is such code for the version.

        The step asks for an approval by itself where the program is gone by then.
        """
        plan = candidate.file.plan
        if not isinstance(plan, TakeoverPlan):
            return
        targets = plan.targets
        if self.judged_by_replank or not judged_upstream(targets):
            return
        if (await access.judge.judge({})).by == OWN_JUDGE:
            raise _no_judge(candidate, targets.cluster_api)


class Crowd:
    """Counts the workload clusters of each management cluster, those that are about to come among them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._coming: Counter[object] = Counter()

    def enter(self, candidate: Candidate, there: int) -> None:
        """Raises `Refused` RP852 where there is no room for one more."""
        management = candidate.config.management.kubeconfig
        if there + self._coming[management] >= self._most:
            raise Refused(
                "RP852",
                f"The management cluster has no room for cluster {candidate.cluster}",
                f"it has {there} workload clusters, {self._coming[management]} more are about to come, and "
                f"the limit is {self._most}",
                "Use another management cluster, or raise --most-clusters if the controllers can take it.",
            )
        self._coming[management] += 1


def _no_judge(candidate: Candidate, version: str) -> Refused:
    return Refused(
        "RP859",
        f"Nobody can say as Cluster API would whether machines of {candidate.cluster} would be replaced",
        f"program {PROGRAM} of cluster-api {version} is neither named by ${VARIABLE} nor on PATH",
        "Build it from replank's folder would-roll/ (`go build`, its README) and name it, or give "
        "--judged-by-replank to go by replank's own comparison, which the journal keeps as your approval.",
    )


def _too_few_rights(candidate: Candidate, missing: Sequence[str]) -> Refused:
    purpose = _permissions(candidate.file.plan)
    more = ", and `replank permissions node-pods` what its pods need" if candidate.config.node_pod else ""
    return Refused(
        "RP854",
        f"{len(missing)} rights are missing for cluster {candidate.cluster}",
        "not allowed are:\n" + "\n".join(f"- {right}" for right in missing),
        f"`replank permissions {purpose}` prints what is needed{more}. Grant it and apply again; nothing was "
        "written.",
    )


def _permissions(plan: AnyPlan) -> str:
    """What `replank permissions` prints the rights of."""
    if isinstance(plan, TakeoverPlan):
        return f"apply --namespace {plan.namespace}"
    return f"swap --namespace {plan.cluster_api.namespace}" if plan.cluster_api else "swap"
