"""Which TCP ports a container's processes listen on, as the kernel says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from docker.models.containers import Container

_LISTEN = "0A"
"""TCP_LISTEN in /proc/net/tcp (include/net/tcp_states.h)."""


def listening(container: Container) -> frozenset[int]:
    """The ports, none where the container does not run. Of parts, whose ports are the host's."""
    container.reload()
    pid = container.attrs["State"]["Pid"]
    if not pid:
        return frozenset()
    mine: set[str] = set()
    for process in _processes(pid):
        mine |= _sockets(process)
    listeners: set[int] = set()
    for table in ("tcp", "tcp6"):
        listeners |= _listeners(Path(f"/proc/{pid}/net/{table}"), mine)
    return frozenset(listeners)


def _processes(pid: int) -> Iterator[Path]:
    """All processes of the container whose first is `pid`: those of its PID namespace."""
    try:
        namespace = Path(f"/proc/{pid}/ns/pid").readlink()
    except (FileNotFoundError, ProcessLookupError):
        return
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "ns" / "pid").readlink() == namespace:
                yield process
        except OSError:
            continue  # ended meanwhile, or a program of the host that we may not look into


def _sockets(process: Path) -> set[str]:
    """Inodes of the sockets that a process holds."""
    found = set()
    try:
        for file in (process / "fd").iterdir():
            try:
                target = str(file.readlink())
            except FileNotFoundError:
                continue  # closed meanwhile
            if target.startswith("socket:["):
                found.add(target[len("socket:[") : -1])
    except (FileNotFoundError, ProcessLookupError):
        return found
    return found


def _listeners(table: Path, inodes: set[str]) -> set[int]:
    """Fields by proc(5): the second is the local address, the fourth the state, the tenth the inode."""
    try:
        rows = table.read_text().splitlines()[1:]
    except (FileNotFoundError, ProcessLookupError):
        return set()  # ended meanwhile
    fields = [row.split() for row in rows]
    return {int(row[1].rpartition(":")[2], 16) for row in fields if row[3] == _LISTEN and row[9] in inodes}
