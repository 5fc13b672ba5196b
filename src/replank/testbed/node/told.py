"""What a machine tells a survey of the containerd that runs on it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from replank.inventory.hosts import runtime_commands as runtime
from replank.testbed.fleet.hosts.runtime import CONTAINERD_PID
from replank.testbed.node.containerd import Containerd
from replank.testbed.node.systemd import CONTAINERD, DROP_IN
from replank.testbed.world import FileEntry, Machine

_WORDS: Final = f"/proc/{CONTAINERD_PID}/cmdline"
_ENVIRON: Final = f"/proc/{CONTAINERD_PID}/environ"
_VERSION: Final = runtime.CTR_VERSION.call(path=runtime.CONTAINERD_SOCKET).line
_UNITS: Final = runtime.UNIT_SETTINGS.call().line


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was told when the twin was made, of the daemon that the machine came with.

    Of a switch from Docker nothing is told: such a machine is to be surveyed before it, or after its undo.
    """

    files: dict[str, FileEntry]
    commands: dict[str, str]

    @classmethod
    def by(cls, machine: Machine) -> Told:
        """As the machine tells it now."""
        return cls(
            files={path: machine.files[path] for path in (_WORDS, _ENVIRON)},
            commands={line: machine.commands[line] for line in (_VERSION, _UNITS)},
        )

    def renew(self, machine: Machine, world: Containerd) -> None:
        """Process, version, configuration in force and drop-in, as they are on the node now."""
        files, commands = dict(self.files), dict(self.commands)
        if world.drop_in:
            words, path = world.command_line(), ":".join(world.search_path()).encode()
            line = b"".join(word.encode() + b"\0" for word in words)
            files[_WORDS] = replace(files[_WORDS], content=line)
            environ = re.sub(rb"(?<=\0)PATH=[^\0]*", b"PATH=" + path, files[_ENVIRON].content)
            files[_ENVIRON] = replace(files[_ENVIRON], content=environ)
            client, server, rest = commands[_VERSION].partition("Server:\n")
            commands[_VERSION] = client + server + re.sub(r"v[0-9.]+", f"v{world.daemon}", rest, count=1)
            commands[_UNITS] = re.sub(
                rf"(Id={re.escape(CONTAINERD)}\n(?:.+\n)*?DropInPaths=).*",
                rf"\g<1>/{DROP_IN}",
                commands[_UNITS],
            )
            config = words[words.index("--config") + 1]
            dump = runtime.CONFIG_DUMP.call(containerd=words[0], path=config).line
            commands[dump] = world.do_containerd(["--config", str(world.path(config))])[1]
        machine.files = {**machine.files, **files}
        machine.commands = {**machine.commands, **commands}
