"""The journal on SQLite: appended, ordered, private, and clear about what is wrong with it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from replank.domain.errors import Refused, Transient
from replank.engine.database_errors import translated
from replank.engine.store import SqlJournal
from replank.journal.event import Event
from tests.engine.toy import RUN, Clock, a_run, plan


def with_journal(folder: Path, work: Callable[[SqlJournal], Awaitable[Any]], **options: Any) -> Any:
    async def inside() -> Any:
        async with SqlJournal(f"sqlite:///{folder / 'deep' / 'journal.db'}", **options) as journal:
            return await work(journal)

    return asyncio.run(inside())


def event(kind: Any = "paused", **data: Any) -> Event:
    return Event(at=1.5, kind=kind, direction="undo", step="align/1-a", data=data)


def test_events_come_back_as_they_were_in_order(tmp_path: Path):
    given = [event(why="über", n=1), event("found", before={"x": [None, True, 1.5]}), event("check")]

    async def write(journal: SqlJournal) -> None:
        await journal.start(a_run(plan()))
        for one in given:
            await journal.append(RUN, one)

    async def read(journal: SqlJournal) -> Any:
        return await journal.events(RUN), await journal.events(RUN, 2), await journal.runs()

    with_journal(tmp_path, write)
    events, rest, runs = with_journal(tmp_path, read)
    assert events == tuple(given)
    assert rest == tuple(given[2:])
    assert runs == (a_run(plan()),)


def test_runs_are_oldest_first_and_an_unknown_one_is_refused_by_name(tmp_path: Path):
    async def work(journal: SqlJournal) -> Any:
        await journal.start(a_run(plan(), "late", at=9.0))
        await journal.start(a_run(plan(), "early", at=1.0))
        with pytest.raises(Refused, match="early, late") as caught:
            await journal.run("never")
        return [run.id for run in await journal.runs()], caught.value.code

    assert with_journal(tmp_path, work) == (["early", "late"], "RP809")


def test_an_append_to_no_run_is_refused(tmp_path: Path):
    with pytest.raises(Refused) as caught:
        with_journal(tmp_path, lambda journal: journal.append("never", event()))
    assert caught.value.code == "RP809"


def test_many_at_once_leave_no_gap_and_lose_nothing(tmp_path: Path):
    async def work(first: SqlJournal) -> Any:
        await first.start(a_run(plan()))
        async with SqlJournal(f"sqlite:///{first.database.file}") as second:
            await asyncio.gather(
                *(journal.append(RUN, event(n=n)) for n in range(40) for journal in (first, second))
            )
        return await first.events(RUN)

    events = with_journal(tmp_path, work)
    assert sorted(e.data["n"] for e in events) == sorted([*range(40), *range(40)])


def test_only_the_owner_can_read_it_while_it_is_open_and_after(tmp_path: Path):
    async def work(journal: SqlJournal) -> Any:
        await journal.start(a_run(plan()))
        return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep").iterdir()}

    old = os.umask(0)
    try:
        modes = with_journal(tmp_path, work)
    finally:
        os.umask(old)
    assert modes == {"journal.db": 0o600, "journal.db-wal": 0o600, "journal.db-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700


def test_every_connection_writes_through_to_the_disk(tmp_path: Path):
    async def work(journal: SqlJournal) -> Any:
        return await journal.database.work(
            lambda c: [
                c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
            ]
        )

    assert with_journal(tmp_path, work) == ["wal", 2]


def test_a_run_of_another_schema_is_refused_by_name_and_can_still_be_read(tmp_path: Path):
    async def work(journal: SqlJournal) -> Any:
        await journal.start(a_run(plan(), schema="replank.journal/v0"))
        with pytest.raises(Refused, match=r"replank\.journal/v0") as caught:
            await journal.append(RUN, event())
        await journal.database.work(
            lambda c: c.exec_driver_sql(
                "insert into replank_events values (?, 1, 't', 0, 'of-another-time', 'apply', '', '{}')",
                (RUN,),
            )
        )
        return caught.value.code, [one.kind for one in await journal.events(RUN)]

    assert with_journal(tmp_path, work) == ("RP810", ["of-another-time"])


def test_a_locked_database_is_waited_for(tmp_path: Path):
    clock = Clock()

    async def work(journal: SqlJournal) -> Any:
        await journal.start(a_run(plan()))
        other = sqlite3.connect(journal.database.file or "", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        sa.event.listen(journal.database.engine, "checkout", lambda c, *_: c.execute("PRAGMA busy_timeout=0"))
        clock.on_sleep = lambda: other.execute("COMMIT") if other.in_transaction else None  # type: ignore[assignment,return-value]
        await journal.append(RUN, event())
        other.execute("BEGIN IMMEDIATE")
        clock.on_sleep = lambda: None
        begun = clock.now()
        with pytest.raises(Transient) as caught:
            await journal.append(RUN, event())
        other.close()
        return caught.value.code, clock.now() - begun, len(await journal.events(RUN))

    code, waited, count = with_journal(tmp_path, work, clock=clock, gone_s=60)
    assert (code, count) == ("RP812", 1)
    assert 50 < waited <= 60


def test_a_full_disk_is_refused_and_nothing_is_half_written(tmp_path: Path):
    async def work(journal: SqlJournal) -> Any:
        await journal.start(a_run(plan()))
        pages = await journal.database.work(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
        sa.event.listen(
            journal.database.engine, "checkout", lambda c, *_: c.execute(f"PRAGMA max_page_count={pages}")
        )
        with pytest.raises(Refused, match="no room left") as caught:
            await journal.append(RUN, event(evidence="x" * 100_000))
        return caught.value.code, await journal.events(RUN)

    assert with_journal(tmp_path, work) == ("RP811", ())


def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    file = tmp_path / "deep" / "journal.db"
    file.parent.mkdir()
    file.write_text("this is a shopping list, and a long one at that\n" * 50)
    with pytest.raises(Refused, match="no SQLite database") as caught:
        with_journal(tmp_path, lambda journal: journal.runs())
    assert caught.value.code == "RP811"
    assert "shopping" in file.read_text()


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_what_cannot_keep_a_journal_is_refused(url: str):
    with pytest.raises(Refused) as caught:
        SqlJournal(url)
    assert caught.value.code == "RP811"


def test_a_password_in_the_url_is_in_no_message():
    journal = SqlJournal("postgresql://me:hunter2@127.0.0.1:1/journal", clock=Clock(), gone_s=30)
    with pytest.raises(Transient) as caught:
        asyncio.run(journal.runs())
    assert caught.value.code == "RP812"
    assert "hunter2" not in str(caught.value)


def said(
    error: Exception, *, invalidated: bool = False, kind: type[DBAPIError] = DBAPIError
) -> SQLAlchemyError:
    return kind("insert secret", {"password": "hunter2"}, error, connection_invalidated=invalidated)


@pytest.mark.parametrize(
    ("error", "expected", "code"),
    [
        (said(pg.DiskFull()), Refused, "RP811"),
        (said(pg.InsufficientPrivilege()), Refused, "RP811"),
        (said(pg.AdminShutdown()), Transient, "RP812"),
        (said(pg.CannotConnectNow()), Transient, "RP812"),
        (said(pg.SerializationFailure()), Transient, "RP812"),
        (said(pg.TooManyConnections()), Transient, "RP812"),
        (said(pg.OperationalError("gone"), kind=OperationalError), Transient, "RP812"),
        (said(pg.UndefinedTable(), invalidated=True), Transient, "RP812"),
        (said(ValueError("password=hunter2")), Refused, "RP811"),
        (PoolTimeout("full"), Transient, "RP812"),
        (SQLAlchemyError("password=hunter2"), Refused, "RP811"),
    ],
)
def test_postgresql_says_why_by_its_codes(error: SQLAlchemyError, expected: type, code: str):
    fault = translated(error, "postgresql://me:***@host/db")
    assert type(fault) is expected
    assert fault.code == code
    assert "hunter2" not in str(fault)


def test_an_append_whose_answer_was_lost_is_not_written_twice(tmp_path: Path):
    async def work(journal: SqlJournal) -> Any:
        await journal.start(a_run(plan()))
        lost = [True]

        def lose(_: Any) -> None:
            # The commit is done, the answer is not heard.
            if lost and lost.pop():
                raise said(pg.OperationalError("gone"), kind=OperationalError)

        once = journal.database._once

        def deaf(job: Any) -> Any:
            answer = once(job)
            lose(answer)
            return answer

        journal._schemas[RUN] = a_run(plan()).schema
        journal.database._once = deaf  # type: ignore[method-assign]
        await journal.append(RUN, event())
        return len(await journal.events(RUN)), lost

    assert with_journal(tmp_path, work, clock=Clock()) == (1, [])


def test_a_new_journal_may_be_opened_by_several_at_the_same_time(tmp_path: Path):
    """`status` looks while `apply` makes it: neither is refused."""

    async def both(url: str) -> None:
        async def opened() -> None:
            async with SqlJournal(url):
                pass

        await asyncio.gather(*(opened() for _ in range(4)))

    for number in range(25):
        asyncio.run(both(f"sqlite:///{tmp_path / f'{number}.db'}"))
