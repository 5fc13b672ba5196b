"""The fixed list of commands that a runtime swap runs on machines, on top of what a survey runs.

Everything that changes a node is done by one file that replank puts there, `swap_node.py`, which the node's
owner can read. These commands put it into its folder, with what it needs, and speak to it.
"""

from __future__ import annotations

from typing import Final

from replank.inventory.hosts.command import HostCommand
from replank.inventory.hosts.commands import SURVEY_COMMANDS

FOLDER: Final = "/var/lib/replank/swap"
"""Of the part that works on the node, its plan and its journal."""
PROGRAMS: Final = "/opt/replank"
"""Of the new runtime's programs, a folder for each version: they stay after the swap."""
NODE_PART: Final = f"{FOLDER}/swap_node.py"
VERBS: Final = ("check", "stage", "unstage", "start", "undo", "commit", "status", "measure")
"""What `swap_node.py` is told. `run`, `resume` and `deadline` are for systemd alone."""

BUNDLE: Final = ("containerd", "containerd-shim-runc-v2", "ctr")
"""What a node gets of containerd's release archive. runc stays the node's own."""


def programs_folder(version: str) -> str:
    """Where the programs of containerd `version` (2.3.5) are put."""
    return f"{PROGRAMS}/containerd-{version}"


def package_folder(version: str, sha256: str) -> str:
    """Where the programs of containerd `version` are put that come out of the .deb with this hash. It holds
    nothing else, so that going back can remove it."""
    return f"{PROGRAMS}/containerd-{version}-deb-{sha256[:12]}"


_EXAMPLES: Final = (
    *(NODE_PART, f"{FOLDER}/plan.json"),
    *(f"{programs_folder('2.3.5')}/{name}" for name in BUNDLE),
)

MAKE_FOLDER: Final = HostCommand(
    name="swap-folder",
    argv=("install", "-d", "-m", "0755", "<swapped>"),
    sudo=True,
    purpose="the folders of the part that works on the node, and of the new runtime's programs",
    usual=tuple({"swapped": folder} for folder in dict.fromkeys(p.rpartition("/")[0] for p in _EXAMPLES)),
)
WRITE: Final = HostCommand(
    name="swap-write",
    argv=("dd", "of=<swapped>", "bs=1M", "status=none"),
    sudo=True,
    purpose="a file into these folders, from stdin, under a name of its own until it is whole",
    usual=tuple({"swapped": f"{path}.new"} for path in _EXAMPLES),
)
SUM: Final = HostCommand(
    name="swap-sum",
    argv=("sha256sum", "<swapped>"),
    sudo=True,
    purpose="whether it arrived whole",
    usual=tuple({"swapped": f"{path}{new}"} for path in _EXAMPLES for new in ("", ".new")),
)
PLACE: Final = HostCommand(
    name="swap-place",
    argv=("mv", "-f", "<swapped>", "<placed>"),
    sudo=True,
    purpose="and to its name",
    usual=tuple({"swapped": f"{path}.new", "placed": path} for path in _EXAMPLES),
)
NODE: Final = HostCommand(
    name="swap-node",
    argv=("python3", NODE_PART, "<verb>"),
    sudo=True,
    purpose="tell the part on the node what to do, or ask how it stands",
    usual=tuple({"verb": verb} for verb in VERBS),
)

ADDED_COMMANDS: Final[tuple[HostCommand, ...]] = (MAKE_FOLDER, WRITE, SUM, PLACE, NODE)
SWAP_COMMANDS: Final[tuple[HostCommand, ...]] = (*SURVEY_COMMANDS, *ADDED_COMMANDS)
