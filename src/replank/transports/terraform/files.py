"""Bytes from disk, with the operating system's refusals as codes."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

from replank.domain.errors import Refused
from replank.inventory.facts.terraform import StateLock


def read_bytes(path: Path, *, limit: int) -> bytes:
    """The content of `path`. `limit`: bytes.

    Raises `Refused` RP020 (not there, not allowed, no file) or RP027 (larger than `limit`).
    """
    try:
        with path.open("rb") as file:
            # Of a file that says that it is too large nothing is read: ten of them would fill the memory. One
            # byte more than allowed tells those that report no size (a pipe, /proc).
            too_large = os.fstat(file.fileno()).st_size > limit
            data = b"" if too_large else file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if too_large or len(data) > limit:
        raise Refused(
            "RP027",
            "The state is too large",
            f"it has more than {limit} bytes",
            "Give only the part that is needed, or split the state.",
            where=str(path),
        )
    return data


def is_folder(path: Path) -> bool:
    """True if `path` is a folder that may be looked at. `Path.is_dir` raises on some refusals."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """True if `path` is a file, or a link to one, that may be looked at."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def unreadable(path: Path, error: OSError | ValueError) -> Refused:
    """The error for a path that the operating system does not open (RP020)."""
    reasons: list[tuple[type[Exception], str, str]] = [
        (FileNotFoundError, "it does not exist", "Mend the path in fleet.yaml."),
        (PermissionError, "you may not read it", "Get read access, or let its owner run replank."),
        (IsADirectoryError, "it is a folder", "Use `folder:` in fleet.yaml, or name the file in it."),
        (NotADirectoryError, "a part of the path is a file", "Mend the path in fleet.yaml."),
    ]
    why, todo = "it cannot be opened", "Mend the path in fleet.yaml."
    for kind, says, remedy in reasons:
        if isinstance(error, kind):
            why, todo = says, remedy
            break
    else:
        if isinstance(error, OSError) and error.strerror:
            why = error.strerror
    return Refused("RP020", "The state cannot be read", why, todo, where=str(path))


def lock_info_path(state: Path) -> Path:
    """The file beside a local state that says who holds its lock."""
    return state.with_name(f".{state.name}.lock.info")


def read_lock(state: Path) -> StateLock | None:
    """The lock on a local state, None if nobody holds it.

    Terraform writes `.<name>.lock.info` beside the state while it works on it
    (internal/states/statemgr/filesystem.go). A lock that cannot be read is one: its fields are "".
    """
    try:
        data = lock_info_path(state).read_bytes()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None  # ValueError: a path that names no file; reading the state says so
    except OSError:
        return StateLock()
    try:
        info = json.loads(data)
    except (ValueError, RecursionError):
        return StateLock()
    if not isinstance(info, dict):
        return StateLock()
    return StateLock(
        who=_word(info, "Who"), operation=_word(info, "Operation"), created=_word(info, "Created")
    )


def _word(info: dict[str, object], key: str) -> str:
    value = info.get(key)
    return re.sub(r"[^\x20-\x7e]", "?", value)[:200] if isinstance(value, str) else ""
