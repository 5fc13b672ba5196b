"""containerd as its unit starts it: program, arguments, PATH, and the shim that it finds there."""

from __future__ import annotations

from posixpath import dirname

from replank.domain.errors import Refused
from replank.inventory.hosts import commands
from replank.inventory.hosts import runtime_commands as runtime
from replank.inventory.hosts.listing import parse_hash
from replank.inventory.runtime.containerd_process import ContainerdProcess
from replank.inventory.runtime.facts import ContainerdDaemon, RuntimeFile
from replank.inventory.runtime.units import ShownUnit
from replank.transports.hosts.session import HostSession

_SHIM = "containerd-shim-runc-v2"


async def read_daemon(
    session: HostSession, process: ContainerdProcess | None, unit: ShownUnit | None
) -> ContainerdDaemon | None:
    """None where no containerd of the system runs. Raises `Refused` RP067 where it is no unit's."""
    if process is None:
        return None
    if unit is None or unit.main_pid != process.pid:
        raise Refused(
            "RP067",
            "Nothing was told of how containerd is started",
            "it runs, and not by containerd.service",
            "Look at `systemctl status` of its process.",
        )
    text = await session.text(runtime.DAEMON_PATH.call(pid=process.pid))
    path = tuple(folder for folder in text.strip("\0\n").removeprefix("PATH=").split(":") if folder)
    return ContainerdDaemon(
        unit=unit.name,
        program=process.program,
        config=process.config,
        arguments=process.arguments,
        shim=await _shim(session, path, process.program),
        path=path,
        kill_mode=unit.properties.get("KillMode", ""),
    )


async def _shim(session: HostSession, path: tuple[str, ...], program: str) -> RuntimeFile:
    """The first in the PATH, else beside the daemon (containerd 1.7 and 2.3, resolveRuntimePath).

    Raises `Refused` RP067 if it is nowhere.
    """
    for folder in (*path, dirname(program)):
        shim = f"{folder.rstrip('/')}/{_SHIM}"
        if shim.startswith("/") and await session.exists(shim):
            text = await session.text(commands.FILE_HASH.call(path=shim))
            return RuntimeFile(path=shim, sha256=parse_hash(text))
    raise Refused(
        "RP067", f"{_SHIM} was not found", "it is in no folder of containerd's PATH", "Look for it there."
    )
