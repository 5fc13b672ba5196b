"""The database that holds the journal and, beside it, the durable workflows: SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from replank.domain.errors import Refused, Transient
from replank.engine.database_errors import translated
from replank.ports.access import Clock

T = TypeVar("T")

_BUSY_MS: Final = 30_000
_POOL: Final = 20
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0


class Database:
    """`where`: its URL without the password. `file`: the SQLite file, None = PostgreSQL.

    `gone_s`: seconds for which a database that does not answer is asked again.
    """

    def __init__(self, url: str, *, clock: Clock, gone_s: float) -> None:
        """Opens nothing yet but makes the file. Raises `Refused` (RP811)."""
        parsed = _parsed(url)
        self.where = parsed.render_as_string(hide_password=True)
        self.file = Path(parsed.database or "") if parsed.drivername == "sqlite" else None
        if self.file is not None:
            _make_private(self.file, self.where)
        self.engine = _sqlite(parsed) if self.file is not None else _postgres(parsed)
        self._clock = clock
        self._gone_s = gone_s
        # One writer is all that SQLite has; waiting for it in threads would only fill them.
        self._threads = ThreadPoolExecutor(1 if self.file is not None else 8, "replank-journal")

    async def work(self, job: Callable[[sa.Connection], T]) -> T:
        """Runs `job` in one transaction in a thread; what it returns is committed.

        A job may run again after a commit whose answer was lost: it must see what it did already. Raises
        `Transient` (RP812) where nothing answered for `gone_s`, `Refused` (RP811).
        """
        deadline, pause = self._clock.now() + self._gone_s, _FIRST_PAUSE_S
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._once, job)
            except SQLAlchemyError as error:
                fault = translated(error, self.where)
                if not isinstance(fault, Transient) or self._clock.now() + pause > deadline:
                    raise fault from error
            await self._clock.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  (jitter)
            pause = min(_LONGEST_PAUSE_S, pause * 2)

    async def in_thread(self, job: Callable[[], T]) -> T:
        """Something else that would block."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, job)

    def close(self) -> None:
        """Ends connections and threads."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()

    def _once(self, job: Callable[[sa.Connection], T]) -> T:
        with self.engine.begin() as connection:
            return job(connection)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _no_journal("it is no database URL") from error
    if parsed.drivername.startswith("sqlite"):
        if not parsed.database or parsed.database == ":memory:":
            raise _no_journal("a journal in memory is gone after a crash")
        return parsed.set(drivername="sqlite")
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    raise _no_journal(f"{parsed.drivername} is neither SQLite nor PostgreSQL")


def _no_journal(why: str) -> Refused:
    todo = "Name sqlite:////PATH/journal.db or postgresql://USER@HOST/DATABASE."
    return Refused("RP811", "The journal cannot be used", why, todo)


def _make_private(file: Path, where: str) -> None:
    """Folder 0700 if it is made, file 0600; SQLite gives its -wal and -shm the file's mode."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
        file.chmod(0o600)
    except OSError as error:
        raise Refused(
            "RP811",
            "The journal cannot be written",
            error.strerror or type(error).__name__,
            "Make room or choose another place with --journal.",
            where=where,
        ) from error


def _sqlite(url: URL) -> sa.Engine:
    engine = sa.create_engine(url, pool_size=_POOL, max_overflow=0, connect_args={"timeout": _BUSY_MS / 1000})

    def connected(connection: Any, _record: Any) -> None:
        # Writers take turns from the start of a transaction; a read that turns into a write could not.
        connection.isolation_level = "IMMEDIATE"
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        # In WAL mode NORMAL may lose the last commits at a power cut; a returned append is on disk.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    sa.event.listen(engine, "connect", connected)
    return engine


def _postgres(url: URL) -> sa.Engine:
    arguments = {"connect_timeout": 10, "application_name": "replank"}
    return sa.create_engine(url, pool_size=_POOL, max_overflow=0, pool_pre_ping=True, connect_args=arguments)
