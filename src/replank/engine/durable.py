"""Runs as durable workflows on DBOS: one workflow for a run and direction, one DBOS step for a plan's step.

What DBOS writes down is IDs and outcome words; everything else stands in the journal. A process never starts
work that it was not asked for:

- Each process is an executor of its own (a random `executor_id`), so DBOS's recovery at launch, which takes
  up the pending workflows of its executor, finds none.
- A workflow that a dead process left is resumed onto a queue that only this process listens to. (DBOS's own
  internal queue is served by every process that launches it.)
- Only workflows of this application version are resumed. It is the journal's schema.

Source: dbos 3.4.0, `_dbos.py` (`_launch`), `_recovery.py`, `_sys_db.py` (`resume_workflows`,
`start_queued_workflows`).
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, cast

from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy.exc import SQLAlchemyError

from replank.domain.errors import Refused
from replank.engine.database import Database
from replank.engine.database_errors import translated
from replank.engine.serializer import JsonSerializer, forbid_pickle
from replank.engine.walk import StepWord, Walk
from replank.journal.event import SCHEMA
from replank.journal.state import RunStatus

_POLL_S: Final = 0.2
_LISTENER_POLL_S: Final = 0.05
"""Nothing here sends DBOS's notifications, so that its listener asks no database. It sleeps, and `destroy`
waits until it wakes: a second by DBOS's default (`_sys_db.py`, `_notification_listener_polling`)."""
_LEFT: Final = ("PENDING", "ENQUEUED", "DELAYED")


@dataclass(slots=True)
class _Work:
    """One run at work in this process. `ended`: how the workflow's body ended here."""

    walk: Walk
    ended: asyncio.Future[RunStatus]
    task: asyncio.Task[Any] | None = field(default=None)


# DBOS finds workflows by name in a registry of the whole process, so this has to stand here, too.
_AT_WORK: Final[dict[str, _Work]] = {}


@DBOS.workflow(name="replank.run", max_recovery_attempts=None)
async def _carry_out(run_id: str, direction: str, goal: str) -> RunStatus:
    """Plays the steps in the order that was written down when the workflow first ran."""
    work = _AT_WORK.get(run_id)
    if work is None or (work.walk.direction, work.walk.goal) != (direction, goal):
        raise Refused(
            "RP818",
            f"A workflow of run {run_id} was started by nobody",
            "this process was not asked to carry it on",
            f"`replank resume {run_id}` carries it on.",
        )
    work.task = asyncio.current_task()
    try:
        status = await _steps(work.walk)
    except BaseException as error:
        if not work.ended.done():
            work.ended.set_exception(error)
            work.ended.exception()
        raise
    if not work.ended.done():
        work.ended.set_result(status)
    return status


async def _steps(walk: Walk) -> RunStatus:
    for step_id in await DBOS.run_step_async({"name": "steps"}, walk.steps):
        word = cast("StepWord", await DBOS.run_step_async({"name": step_id}, walk.step, step_id))
        if word != "done":
            return await walk.end(word)
    return await walk.end("done")


class DurableRuns:
    """DBOS in this process, launched at the first run. There can be one at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._executor = uuid.uuid4().hex
        self._queue = f"replank-{self._executor}"
        self._launching = asyncio.Lock()
        self._launched = False

    async def run(self, run_id: str, walk: Walk) -> RunStatus:
        """Carries the run on until it comes to rest.

        Raises `Refused` RP818 (a workflow of another version is unfinished), what the journal raises, and the
        database's troubles as `Transient` (RP812) and `Refused` (RP811).
        """
        await self._launch()
        work = _Work(walk, asyncio.get_running_loop().create_future())
        _AT_WORK[run_id] = work
        try:
            handle = await self._begin(run_id, walk)
            outcome = asyncio.ensure_future(handle.get_result(polling_interval_sec=_POLL_S))
            try:
                await asyncio.wait({outcome, work.ended}, return_when=asyncio.FIRST_COMPLETED)
                if _died(work.ended):
                    return work.ended.result()
                return cast("RunStatus", await outcome)
            finally:
                outcome.cancel()
        except SQLAlchemyError as error:
            raise translated(error, self._database.where) from error
        except asyncio.CancelledError:
            # The workflow's task is shielded by DBOS; whoever leaves in a hurry must end it, too. It stays
            # pending and is resumed.
            if work.task is not None:
                work.task.cancel()
                await asyncio.wait({work.task}, timeout=5)
            raise
        finally:
            del _AT_WORK[run_id]

    async def close(self, *, clean: bool) -> None:
        """Ends DBOS's threads; no run changes.

        `clean`: nothing went wrong, so the database is asked to forget this process's queue. Whoever leaves
        because of the database would wait for it here.
        """
        if not self._launched:
            return
        if clean:
            # Where the database fails after all, a queue stays that nobody listens to.
            with suppress(SQLAlchemyError):
                await DBOS.delete_queue_async(self._queue)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as thread:
            await loop.run_in_executor(thread, DBOS.destroy)
        # DBOS made its own threads the loop's default, and has just ended them.
        loop.set_default_executor(ThreadPoolExecutor())
        self._launched = False

    async def _launch(self) -> None:
        async with self._launching:
            if self._launched:
                return
            forbid_pickle()
            config: DBOSConfig = {
                "name": "replank",
                "system_database_url": self._url(),
                "system_database_engine": self._database.engine,
                "serializer": JsonSerializer(),
                "application_version": SCHEMA,
                "executor_id": self._executor,
                "enable_otlp": False,
                # Its log lines may hold SQL with values; what matters comes as exceptions.
                "log_level": "CRITICAL",
                "use_listen_notify": False,
                "notification_listener_polling_interval_sec": _LISTENER_POLL_S,
            }
            # An earlier instance left a handler on the stderr of its day, which may be closed by now.
            logging.getLogger("dbos").handlers.clear()
            DBOS(config=config)
            DBOS.listen_queues([self._queue])
            try:
                # Not in a thread: DBOS adopts the loop that it is launched in.
                DBOS.launch()
                await DBOS.register_queue_async(self._queue, polling_interval_sec=_POLL_S)
            except SQLAlchemyError as error:
                raise translated(error, self._database.where) from error
            self._launched = True

    def _url(self) -> str:
        """Only for DBOS to see which kind of database it is: it uses the engine."""
        return "sqlite:///replank" if self._database.file is not None else "postgresql://replank/replank"

    async def _begin(self, run_id: str, walk: Walk) -> Any:
        """The workflow that a dead process left, if it does the same, else a new one."""
        prefix = f"{run_id}:"
        earlier = await DBOS.list_workflows_async(workflow_id_prefix=prefix, load_output=False)
        arguments = [run_id, walk.direction, walk.goal]
        same = ""
        for workflow in earlier:
            if workflow.status not in _LEFT:
                continue
            if workflow.app_version != SCHEMA:
                raise _another_version(run_id, workflow.workflow_id, workflow.app_version or "no version")
            if _arguments(workflow.input) == arguments and not same:
                same = workflow.workflow_id
            else:
                await DBOS.cancel_workflow_async(workflow.workflow_id)
        if same:
            return await DBOS.resume_workflow_async(same, queue_name=self._queue)
        with SetWorkflowID(f"{prefix}{walk.direction}:{len(earlier) + 1}"):
            return await DBOS.start_workflow_async(_carry_out, run_id, walk.direction, walk.goal)


def _died(ended: asyncio.Future[RunStatus]) -> bool:
    """Whether the workflow's task was ended rather than came to an end: then DBOS never tells a result."""
    if not ended.done():
        return False
    error = ended.exception()
    return error is not None and not isinstance(error, Exception)


def _arguments(given: object) -> object:
    return list(given["args"]) if isinstance(given, Mapping) else None


def _another_version(run_id: str, workflow_id: str, version: str) -> Refused:
    return Refused(
        "RP818",
        f"Run {run_id} was left unfinished by another version of replank",
        f"its workflow {workflow_id} is of {version}, this replank runs {SCHEMA}",
        "Resume it with the version that started it.",
    )
