"""Lines for a file under /etc/sudoers.d, from the very list of commands that survey runs.

A line names a whole command line. There are no wildcards: in an argument they also match spaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from replank.inventory.hosts import runtime_commands, swap_commands
from replank.inventory.hosts.apply_commands import ADDED_COMMANDS, ETCD_SNAPSHOT
from replank.inventory.hosts.command import Call, HostCommand
from replank.inventory.hosts.commands import EXISTS, SURVEY_COMMANDS

_PROGRAMS: Final[Mapping[str, str]] = {
    name: f"/usr/bin/{name}"
    for name in (
        *("cat", "crictl", "ctr", "curl", "dd", "docker", "find", "grep", "install", "ls", "mv", "python3"),
        *("sed", "sha256sum", "stat", "true"),
    )
}
# sudoers(5): a backslash takes the meaning from its own characters and from wildcards.
_SPECIAL: Final = re.compile(r"([\\,:=*?!\[\]#])")


def sudoers_survey(user: str) -> tuple[str, ...]:
    """One line for each usual command line that needs root, with what it is for."""
    return _lines(user, SURVEY_COMMANDS)


def sudoers_apply(user: str) -> tuple[str, ...]:
    """What a takeover runs on top: the CAs and the service accounts' keys, and etcd's snapshot."""
    return (
        *_lines(user, ADDED_COMMANDS),
        "# one line for each other file that the plan names: encryption configuration, webhook kubeconfigs",
    )


def sudoers_runtime(user: str) -> tuple[str, ...]:
    """What `survey --runtime` runs on top of a survey, and the paths that it asks about."""
    probed = replace(EXISTS, usual=tuple({"path": path} for path in runtime_commands.PROBED))
    return _lines(user, (*runtime_commands.ADDED_COMMANDS, probed))


def sudoers_swap(user: str) -> tuple[str, ...]:
    """What a runtime swap runs on top of `survey --runtime`, etcd's snapshot on control planes among it."""
    return _lines(user, (*swap_commands.ADDED_COMMANDS, ETCD_SNAPSHOT))


def _lines(user: str, commands: Sequence[HostCommand]) -> tuple[str, ...]:
    lines: list[str] = []
    for command in commands:
        if not command.sudo:
            continue
        lines.append(f"# {command.name}: {command.purpose}")
        lines += [_sudoers_line(user, command.call(**values)) for values in command.usual]
        if not command.usual:
            lines.append(f"# one line for each file that a flag points at: {' '.join(command.argv)}")
    return tuple(lines)


def _sudoers_line(user: str, call: Call) -> str:
    program, *arguments = call.argv
    words = " ".join(_SPECIAL.sub(r"\\\1", word) for word in arguments)
    # Without arguments sudo would allow any; "" means none.
    return f"{user} ALL=(root) NOPASSWD: {_PROGRAMS.get(program, program)} {words or chr(34) * 2}"
