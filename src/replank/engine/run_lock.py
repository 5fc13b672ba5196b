"""One process of a journal carries a run on at a time. The lock falls with the process that holds it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from replank.domain.errors import Refused
from replank.engine.database import Database
from replank.engine.database_errors import translated

_TRIES: Final = 4
_TRY_S: Final = 0.02


@asynccontextmanager
async def run_lock(database: Database, run_id: str) -> AsyncIterator[bool]:
    """Held within. Whether that proves that no other process of this journal is at work on the run.

    A file lock falls only with its process. PostgreSQL's advisory lock falls with the connection, too, while
    the process behind it may live on. Raises `Refused` (RP817) where another one holds it.
    """
    if database.file is not None:
        with _FileLock(database.file, run_id):
            yield True
        return
    connection = await database.in_thread(lambda: _advisory(database, run_id))
    try:
        yield False
    finally:
        await database.in_thread(connection.close)


async def is_locked(database: Database, run_id: str) -> bool:
    """Whether a process holds the lock. Looking takes it for an instant at most, and keeps nobody from it.

    Raises `Refused` (RP811), `Transient` (RP812).
    """
    if database.file is not None:
        return _file_is_locked(_path(database.file, run_id))
    key = _key(run_id)
    # A bigint key stands there as its two halves (PostgreSQL, pg_locks: objsubid 1).
    halves = {"high": (key >> 32) & 0xFFFFFFFF, "low": key & 0xFFFFFFFF}
    return bool(await database.work(lambda connection: connection.execute(_HELD, halves).scalar_one()))


_HELD: Final = sa.text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND classid::bigint = :high AND objid::bigint = :low"
)


def _path(journal: Path, run_id: str) -> Path:
    return journal.with_name(f"{journal.name}.locks") / run_id


def _file_is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


class _FileLock:
    def __init__(self, journal: Path, run_id: str) -> None:
        self._path = _path(journal, run_id)
        self._run_id = run_id
        self._handle = -1

    def __enter__(self) -> None:
        self._path.parent.mkdir(exist_ok=True, mode=0o700)
        self._handle = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            _lock(self._handle)
        except BlockingIOError as error:
            holder = os.pread(self._handle, 32, 0).decode(errors="replace").strip()
            os.close(self._handle)
            raise _held(self._run_id, f"process {holder} of this machine holds it") from error
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, str(os.getpid()).encode(), 0)

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _lock(handle: int) -> None:
    """Raises `BlockingIOError`. Whoever only looks (`is_locked`) is gone within the tries."""
    for left in range(_TRIES - 1, -1, -1):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not left:
                raise
            time.sleep(_TRY_S)
        else:
            return


def _key(run_id: str) -> int:
    return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:8], "big", signed=True)


def _advisory(database: Database, run_id: str) -> sa.Connection:
    key = _key(run_id)
    try:
        connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        # It is given back for good, not into the pool: the lock belongs to the connection.
        connection.detach()
        if connection.execute(sa.select(sa.func.pg_try_advisory_lock(key))).scalar_one():
            return connection
        connection.close()
    except SQLAlchemyError as error:
        raise translated(error, database.where) from error
    raise _held(run_id, "another process holds its lock in the journal's database")


def _held(run_id: str, why: str) -> Refused:
    return Refused(
        "RP817",
        f"Run {run_id} is being carried on elsewhere",
        why,
        f"Let it go on, or stop it there: `replank pause {run_id}`.",
    )
