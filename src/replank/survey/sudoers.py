"""Lines for a file under /etc/sudoers.d, from the very list of commands that survey runs.

A line names a whole command line. There are no wildcards: in an argument they also match spaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from replank.inventory.hosts.command import Call
from replank.inventory.hosts.commands import SURVEY_COMMANDS

_PROGRAMS: Final[Mapping[str, str]] = {
    name: f"/usr/bin/{name}"
    for name in ("cat", "curl", "find", "grep", "ls", "sed", "sha256sum", "stat", "true")
}
_SECRET_FILES: Final = (
    *("ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "sa.pub", "sa.key"),
    *("etcd/ca.crt", "etcd/ca.key"),
)
# sudoers(5): a backslash takes the meaning from its own characters and from wildcards.
_SPECIAL: Final = re.compile(r"([\\,:=*?!\[\]#])")


def sudoers_survey(user: str) -> tuple[str, ...]:
    """One line for each usual command line that needs root, with what it is for."""
    lines: list[str] = []
    for command in SURVEY_COMMANDS:
        if not command.sudo:
            continue
        lines.append(f"# {command.name}: {command.purpose}")
        lines += [_sudoers_line(user, command.call(**values)) for values in command.usual]
        if not command.usual:
            lines.append(f"# one line for each file that a flag points at: {' '.join(command.argv)}")
    return tuple(lines)


def sudoers_apply(user: str) -> tuple[str, ...]:
    """The CAs and the service accounts' keys become Secrets of the management cluster."""
    calls = [Call("secret", ("cat", f"/etc/kubernetes/pki/{name}"), True) for name in _SECRET_FILES]
    return (
        "# secrets that the plan names, read once from one machine (Kubespray: /etc/kubernetes/ssl)",
        *(_sudoers_line(user, call) for call in calls),
        "# one line for each other file that the plan names: encryption configuration, webhook kubeconfigs",
    )


def _sudoers_line(user: str, call: Call) -> str:
    program, *arguments = call.argv
    words = " ".join(_SPECIAL.sub(r"\\\1", word) for word in arguments)
    # Without arguments sudo would allow any; "" means none.
    return f"{user} ALL=(root) NOPASSWD: {_PROGRAMS[program]} {words or chr(34) * 2}"
