"""The engine as commands use it: runs are started, carried on, paused, approved, aborted."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from replank import __version__
from replank.domain.errors import Refused
from replank.engine.calling import Fault, called
from replank.engine.kinds import require_kinds
from replank.engine.lease import Lease
from replank.engine.patience import Patience
from replank.engine.private_log import keep_private_log
from replank.engine.run_lock import is_locked, run_lock
from replank.engine.step_run import StepRun
from replank.engine.store import SqlJournal, require_schema
from replank.engine.unfinished import plan_of, unfinished
from replank.engine.walk import Walk, to_apply, to_undo
from replank.journal.event import SCHEMA, Direction, Event, EventKind
from replank.journal.state import RunState, RunStatus, state_of
from replank.plan import codec
from replank.plan.codec import AnyPlan
from replank.plan.model import Step
from replank.ports.access import Access, Clock
from replank.ports.journal import Journal, Run
from replank.ports.steps import Registry

if TYPE_CHECKING:
    from replank.engine.durable import DurableRuns

OpenAccess = Callable[[Run, Any, Callable[[], None]], AbstractAsyncContextManager[Access]]
"""The plan is of the kind that the registry has code for."""

# What may stand in a journal before anybody worked on the run.
_BEFORE_WORK = {"run-started", "approved", "drift", "probe"}


class Engine:
    """Many runs may be carried on at once in one process; each stops alone.

    `open_access`: a cluster's systems, for a run, its plan and the fence that stands before every write.
    `database_url`: SQLite or PostgreSQL, for the journal and the durable workflows. Reading and `pause`,
    `approve` and `abort` start no workflow engine.
    """

    journal: Journal

    def __init__(
        self,
        *,
        database_url: str,
        registry: Registry,
        open_access: OpenAccess,
        patience: Patience,
        clock: Clock,
    ) -> None:
        """Raises `Refused` (RP811) where the database cannot be used."""
        self._store = SqlJournal(database_url, clock=clock)
        self.journal = self._store
        self._registry = registry
        self._open_access = open_access
        self._patience = patience
        self._clock = clock
        self._durable: DurableRuns | None = None

    async def __aenter__(self) -> Engine:
        await self._store.__aenter__()
        if (file := self._store.database.file) is not None:
            keep_private_log(file.with_name(f"{file.name}.private.log"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._durable is not None:
            await self._durable.close(clean=error is None)
        await self._store.__aexit__(kind, error, trace)

    async def start(self, plan: AnyPlan, plan_text: str, *, fleet: str, until: str, holder: str) -> str:
        """Writes a new run down, and touches no cluster. Its ID: `<cluster>-YYYYmmdd-HHMMSS-xxxx`.

        Raises `Refused`: RP802 (no code for a kind), RP806 (no such stage), RP807 (another run of the cluster
        is unfinished), RP808 (the plan is not ready).
        """
        if not plan.ready:
            raise Refused(
                "RP808",
                f"The plan of {plan.cluster} is not ready",
                "a blocker stands among its findings",
                "`replank show` names it. Remove its cause, survey and plan again.",
            )
        require_kinds(plan, self._registry)
        to_apply(plan, RunState(), until)
        await self._require_no_other(plan.cluster)
        now = self._clock.now()
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
        run = Run(
            id=f"{plan.cluster}-{stamp}-{secrets.token_hex(2)}",
            cluster=plan.cluster,
            plan_sha256=codec.sha256(plan),
            plan=plan_text,
            fleet=fleet,
            started_at=now,
            holder=holder,
            schema=SCHEMA,
        )
        await self._store.start(run)
        await self._note(
            run.id,
            "run-started",
            plan_sha256=run.plan_sha256,
            holder=holder,
            until=until,
            version=__version__,
        )
        return run.id

    async def carry_on(
        self, run_id: str, *, direction: Direction, goal: str, holder: str, take_over: bool = False
    ) -> RunStatus:
        """Runs until done, undone, refused, paused, aborted or an approval is needed.

        `goal`: the stage that is applied last, or that stays when undoing; "" = all. `holder`: this process,
        `user@host:pid`. `take_over`: an expired lease of another run may be taken. Raises `Refused`: RP806,
        RP804 (a bug), RP809 to RP811, RP813, RP814, RP816 to RP819; `Transient` (RP812); what `open_access`
        raises.
        """
        run = await self._store.run(run_id)
        require_schema(run_id, run.schema)
        plan = self._plan(run)
        require_kinds(plan, self._registry)
        async with run_lock(self._store.database, run_id) as alone:
            events = await self._store.events(run_id)
            state = state_of(events)
            _require_goal(run, plan, state, direction, goal)
            async with self._held(run, plan, holder, alone, take_over) as access:
                if any(event.kind not in _BEFORE_WORK for event in events) or direction != state.direction:
                    await self._note(run_id, "resumed", direction, holder=holder, until=goal)
                walk = self._walk(run, plan, access, direction, goal)
                ending = await called(f"run {run_id}", self._durable_runs().run(run_id, walk))
                if isinstance(ending, Fault):
                    raise ending.error
                return ending

    async def pause(self, run_id: str, why: str) -> None:
        """The process that carries it on, this or another, ends after the running step, or at once where that
        only waits. Nothing changes where the run is not at work."""
        if await self._status(run_id) == "running":
            await self._note(run_id, "paused", why=why)

    async def approve(self, run_id: str, words: Sequence[str], who: str, how: str) -> None:
        """`words`: a step's word of approval, its ID, or `*`. `who`: as the systems know the person."""
        for word in words:
            await self._note(run_id, "approved", word=word, who=who, how=how)

    async def abort(self, run_id: str, holder: str) -> None:
        """For good: it is never applied again, but can be undone. Raises `Refused` (RP816) if it is over."""
        run = await self._store.run(run_id)
        require_schema(run_id, run.schema)
        events = await self._store.events(run_id)
        if unfinished(run, events):
            await self._note(run_id, "aborted", holder=holder)
        elif (status := state_of(events).status) != "aborted":
            raise _over(run_id, f"it is {status}")

    async def _status(self, run_id: str) -> RunStatus:
        run = await self._store.run(run_id)
        require_schema(run_id, run.schema)
        return state_of(await self._store.events(run_id)).status

    async def _require_no_other(self, cluster: str) -> None:
        for run in await self._store.runs():
            if run.cluster != cluster:
                continue
            why = unfinished(run, await self._store.events(run.id))
            if why:
                raise Refused(
                    "RP807",
                    f"Cluster {cluster} has an unfinished run, {run.id}",
                    why,
                    f"`replank resume {run.id}`, `replank undo {run.id}` or `replank abort {run.id}` first.",
                )

    def _plan(self, run: Run) -> AnyPlan:
        plan = plan_of(run)
        if codec.sha256(plan) != run.plan_sha256 or plan.cluster != run.cluster:
            raise Refused(
                "RP819",
                f"The plan of run {run.id} is another one than it was started with",
                "its SHA-256 is not the one that the journal names",
                "Somebody wrote into the journal. Restore it from a backup.",
            )
        return plan

    @asynccontextmanager
    async def _held(
        self, run: Run, plan: AnyPlan, holder: str, alone: bool, take_over: bool
    ) -> AsyncIterator[Access]:
        """The cluster's systems, with its lease held."""
        leases: list[Lease] = []

        def fence() -> None:
            # The access is made before the lease, which is written through it.
            leases[0].fence()

        async with self._open_access(run, plan, fence) as access:
            lease = Lease(access.workload, self._clock, holder=holder, run_id=run.id, over=self._over)
            leases.append(lease)
            await lease.take(alone=alone, take_over=take_over)
            try:
                yield access
            except Exception:
                # The run is at rest, refused or not begun, and somebody else may come. Only a process that is
                # being ended (the branch below) leaves the lease to whoever resumes it.
                await lease.release()
                raise
            except BaseException:
                lease.leave()
                raise
            await lease.release()

    async def _over(self, run_id: str) -> bool:
        """Whether a run of this journal has ended, and no process is at work on it."""
        run = next((run for run in await self._store.runs() if run.id == run_id), None)
        if run is None or unfinished(run, await self._store.events(run_id)):
            return False
        return not await is_locked(self._store.database, run_id)

    def _walk(self, run: Run, plan: AnyPlan, access: Access, direction: Direction, goal: str) -> Walk:
        steps = StepRun(
            run_id=run.id,
            plan=plan,
            access=access,
            registry=self._registry,
            journal=self._store,
            patience=self._patience,
            chance=random.Random(),  # noqa: S311  (jitter)
        )

        async def before_step(_: Step) -> None:
            await steps.log.stop_if_asked()

        return Walk(run=steps, plan=plan, direction=direction, goal=goal, before_step=before_step)

    def _durable_runs(self) -> DurableRuns:
        if self._durable is None:
            # DBOS is slow to import, and commands that only read do without.
            from replank.engine.durable import DurableRuns

            self._durable = DurableRuns(self._store.database)
        return self._durable

    async def _note(self, run_id: str, kind: EventKind, direction: Direction = "apply", **data: str) -> None:
        await self._store.append(
            run_id, Event(at=self._clock.now(), kind=kind, direction=direction, data=dict(data))
        )


def _require_goal(run: Run, plan: AnyPlan, state: RunState, direction: Direction, goal: str) -> None:
    """Refuses what this run cannot do any more, and stages that the plan does not have."""
    if direction == "undo":
        to_undo(plan, state, goal)
        return
    to_apply(plan, state, goal)
    if state.status == "aborted":
        raise _over(run.id, "it was aborted")
    if state.status == "undone" and not to_undo(plan, state, ""):
        raise _over(run.id, "it was given back wholly")


def _over(run_id: str, why: str) -> Refused:
    return Refused(
        "RP816",
        f"Run {run_id} is over",
        why,
        f"`replank undo {run_id}` takes back what it did; another run begins with `replank apply PLAN`.",
    )
