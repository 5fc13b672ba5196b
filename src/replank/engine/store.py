"""The journal in a database: runs and their events, appended and never changed."""

from __future__ import annotations

import json
import uuid
from types import TracebackType
from typing import Any, Final, cast

import sqlalchemy as sa

from replank.domain.errors import Refused
from replank.engine.clock import SystemClock
from replank.engine.database import Database
from replank.engine.json_only import as_json
from replank.engine.run_lock import is_locked
from replank.journal.event import SCHEMA, Direction, Event, EventKind
from replank.ports.access import Clock
from replank.ports.journal import Run

_TABLES: Final = sa.MetaData()

_RUNS: Final = sa.Table(
    "replank_runs",
    _TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("cluster", sa.Text, nullable=False),
    sa.Column("plan_sha256", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("fleet", sa.Text, nullable=False),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("schema", sa.Text, nullable=False),
)

# `seq` counts from 1 without gaps in each run. `token`: of one append, so that repeating it adds nothing.
_EVENTS: Final = sa.Table(
    "replank_events",
    _TABLES,
    sa.Column("run_id", sa.Text, sa.ForeignKey("replank_runs.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("token", sa.Text, nullable=False, unique=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("direction", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
)

_RUN_COLUMNS: Final = tuple(column.name for column in _RUNS.columns)
_EVENT_COLUMNS: Final = tuple(column.name for column in _EVENTS.columns)

# One statement, so that no other process comes between the number and its use.
_APPEND: Final = _EVENTS.insert().from_select(
    _EVENT_COLUMNS,
    sa.select(
        *(
            sa.select(sa.func.coalesce(sa.func.max(_EVENTS.c.seq), 0) + 1)
            .where(_EVENTS.c.run_id == sa.bindparam("run_id", type_=sa.Text))
            .scalar_subquery()
            if column.name == "seq"
            else sa.bindparam(column.name, type_=column.type)
            for column in _EVENTS.columns
        )
    ),
)
_WRITTEN: Final = sa.select(_EVENTS.c.seq).where(_EVENTS.c.token == sa.bindparam("token"))
_TURN: Final = sa.select(_RUNS.c.id).where(_RUNS.c.id == sa.bindparam("run_id")).with_for_update()
_AFTER: Final = (
    sa.select(_EVENTS)
    .where(_EVENTS.c.run_id == sa.bindparam("run_id"), _EVENTS.c.seq > sa.bindparam("after"))
    .order_by(_EVENTS.c.seq)
)


# Any number that no other program on the database locks.
_MAKING: Final = 0x7265706C616E6B


def _make_tables(connection: sa.Connection) -> None:
    """Makes what is missing. `status` may open a new journal while `apply` does: looking first and making
    then would be two steps, and whoever comes second would be refused."""
    if connection.dialect.name == "postgresql":
        # IF NOT EXISTS is no lock there: two at once meet in the catalogue.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MAKING)))
    for table in _TABLES.sorted_tables:
        connection.execute(sa.schema.CreateTable(table, if_not_exists=True))


class SqlJournal:
    """ports.journal.Journal. Several processes may use one at the same time.

    Runs of another schema can be read as far as their columns go; nothing is appended to them.
    """

    def __init__(self, url: str, *, clock: Clock | None = None, gone_s: float = 120.0) -> None:
        """`url`: SQLAlchemy's, SQLite or PostgreSQL. `gone_s`: seconds to wait for a database that is away.

        Raises `Refused` (RP811).
        """
        self.database = Database(url, clock=clock or SystemClock(), gone_s=gone_s)
        self._schemas: dict[str, str] = {}

    async def __aenter__(self) -> SqlJournal:
        await self.database.work(_make_tables)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.database.close()

    async def start(self, run: Run) -> None:
        """Writes the run down. Doing so again with the same run changes nothing."""
        values = {name: getattr(run, name) for name in _RUN_COLUMNS}

        def add(connection: sa.Connection) -> None:
            if _row(connection, run.id) is None:
                connection.execute(_RUNS.insert().values(values))

        await self.database.work(add)

    async def run(self, run_id: str) -> Run:
        """Raises `Refused` (RP809) where there is none, naming those there are."""
        row = await self.database.work(lambda connection: _row(connection, run_id))
        if row is not None:
            return row
        known = ", ".join(run.id for run in await self.runs()) or "none"
        raise Refused(
            "RP809",
            f"There is no run {run_id!r}",
            f"the journal holds: {known}",
            "Name one of these; `replank status` lists them.",
            where=self.database.where,
        )

    async def worked_on(self, run_id: str) -> bool:
        """See `ports.journal.WatchedJournal`."""
        return await is_locked(self.database, run_id)

    async def runs(self) -> tuple[Run, ...]:
        """Oldest first."""
        ordered = sa.select(_RUNS).order_by(_RUNS.c.started_at, _RUNS.c.id)

        def read(connection: sa.Connection) -> tuple[Run, ...]:
            return tuple(_run(row) for row in connection.execute(ordered))

        return await self.database.work(read)

    async def append(self, run_id: str, event: Event) -> None:
        """On disk when it returns. Raises `Refused`: RP809 (no such run), RP810 (a run of another schema)."""
        await self._require_schema(run_id)
        values = {
            "run_id": run_id,
            "token": uuid.uuid4().hex,
            "at": event.at,
            "kind": event.kind,
            "direction": event.direction,
            "step": event.step,
            "data": json.dumps(as_json(event.data), sort_keys=True, ensure_ascii=False, allow_nan=False),
        }
        tries: list[None] = []

        def add(connection: sa.Connection) -> None:
            tries.append(None)
            if connection.dialect.name == "postgresql":
                # Appends to one run take turns: two would both take the same number.
                connection.execute(_TURN, {"run_id": run_id})
            # A commit whose answer was lost may have worked.
            again = len(tries) > 1
            if again and connection.execute(_WRITTEN, {"token": values["token"]}).first() is not None:
                return
            connection.execute(_APPEND, values)

        await self.database.work(add)

    async def events(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        """In order, without the first `after`."""

        def read(connection: sa.Connection) -> tuple[Event, ...]:
            return tuple(
                _event(row) for row in connection.execute(_AFTER, {"run_id": run_id, "after": after})
            )

        return await self.database.work(read)

    async def _require_schema(self, run_id: str) -> None:
        if run_id not in self._schemas:
            self._schemas[run_id] = (await self.run(run_id)).schema
        require_schema(run_id, self._schemas[run_id])


def require_schema(run_id: str, schema: str) -> None:
    """Raises `Refused` (RP810) where this replank does not write that schema."""
    if schema != SCHEMA:
        raise Refused(
            "RP810",
            f"Run {run_id} cannot be carried on",
            f"its journal has schema {schema!r}, this replank writes {SCHEMA!r}",
            "Use the replank that started it; `replank log` shows it with this one, too.",
        )


def _row(connection: sa.Connection, run_id: str) -> Run | None:
    row = connection.execute(sa.select(_RUNS).where(_RUNS.c.id == run_id)).first()
    return None if row is None else _run(row)


def _run(row: sa.Row[Any]) -> Run:
    return Run(**{name: getattr(row, name) for name in _RUN_COLUMNS})


def _event(row: sa.Row[Any]) -> Event:
    return Event(
        at=row.at,
        kind=cast("EventKind", row.kind),
        direction=cast("Direction", row.direction),
        step=row.step,
        data=json.loads(row.data),
    )
