"""What a database says, as errors that carry policy. Decided by the databases' own codes, never by text."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from replank.domain.errors import Refused, ReplankError, Transient

# https://www.sqlite.org/rescode.html (the low byte is the primary code)
_SQLITE_BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SQLITE_FULL: Final = {sqlite3.SQLITE_FULL}
_SQLITE_REFUSES: Final = {
    sqlite3.SQLITE_READONLY: "the file may only be read",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_PERM: "the file's permissions forbid it",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html: classes of SQLSTATE
_POSTGRES_AWAY: Final = ("08", "57P", "40", "53300", "25P03")
_POSTGRES_FULL: Final = ("53100", "53200")

_TODO_FULL: Final = "Make room, then `replank resume` the run: what was done is written down."
_TODO_AWAY: Final = "It is tried again; once it answers, `replank resume` the run goes on where it stopped."


def translated(error: SQLAlchemyError, where: str) -> ReplankError:
    """`Transient` (RP812) where it may work in a moment, else `Refused` (RP811). `where`: no password."""
    if isinstance(error, PoolTimeout):
        return _away("every connection is in use", where)
    if not isinstance(error, DBAPIError):
        return _refused(type(error).__name__, where)
    sqlite = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(sqlite, int):
        return _sqlite(sqlite & 0xFF, getattr(error.orig, "sqlite_errorname", "") or "", where)
    state = getattr(error.orig, "sqlstate", None) or ""
    if state.startswith(_POSTGRES_FULL):
        return _full(f"SQLSTATE {state}", where)
    # A connection that could not be made, or broke, has no SQLSTATE.
    broken = error.connection_invalidated or (isinstance(error, OperationalError) and not state)
    if broken or state.startswith(_POSTGRES_AWAY):
        return _away(f"SQLSTATE {state}" if state else "it does not answer", where)
    return _refused(f"{type(error.orig).__name__} {state}".strip(), where)


def _sqlite(code: int, name: str, where: str) -> ReplankError:
    if code in _SQLITE_BUSY:
        return _away(f"another process is writing ({name})", where)
    if code in _SQLITE_FULL:
        return _full(name, where)
    return _refused(f"{_SQLITE_REFUSES.get(code, 'SQLite says')} ({name})", where)


def _away(why: str, where: str) -> Transient:
    return Transient("RP812", "The journal's database does not answer", why, _TODO_AWAY, where=where)


def _full(why: str, where: str) -> Refused:
    return Refused(
        "RP811", "The journal cannot be written", f"there is no room left ({why})", _TODO_FULL, where=where
    )


def _refused(why: str, where: str) -> Refused:
    return Refused(
        "RP811",
        "The journal cannot be used",
        why,
        "See to the database and its rights; nothing is done that cannot be written down.",
        where=where,
    )
