"""A command on a machine, as data: what a reviewer reads, sudoers allow and SSH runs is one and the same."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from replank.domain.errors import Refused

# Checks by parameter. A value that begins with "/" or "http" can never be taken for an option.
_VALUES: Mapping[str, re.Pattern[str]] = {
    "path": re.compile(r"/[^\x00-\x1f\x7f]*"),
    "ca": re.compile(r"/[^\x00-\x1f\x7f]*"),
    "cert": re.compile(r"/[^\x00-\x1f\x7f:]*"),
    "key": re.compile(r"/[^\x00-\x1f\x7f]*"),
    "pid": re.compile(r"[0-9]{1,9}"),
    # Below the folders of a runtime swap; no segment begins with a dot.
    "swapped": re.compile(r"/(var/lib/replank/swap|opt/replank)(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"),
    "placed": re.compile(r"/(var/lib/replank/swap|opt/replank)(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"),
    # A namespace of containerd, and the program of a daemon that runs.
    "namespace": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,75}"),
    "containerd": re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/containerd"),
    "verb": re.compile(r"check|stage|unstage|start|undo|commit|status|measure"),
    "url": re.compile(r"https?://[A-Za-z0-9._:\[\]-]+"),
}
_PARAMETER = re.compile(r"<([a-z]+)>")
FILES = "<files>"


@dataclass(frozen=True, slots=True)
class Call:
    """One command line, ready to run. `argv` without sudo; `sudo`: put `sudo -n` before it where granted."""

    command: str
    argv: tuple[str, ...]
    sudo: bool

    @property
    def line(self) -> str:
        """The command line for a POSIX shell, without sudo."""
        return shlex.join(self.argv)

    @property
    def sudo_line(self) -> str:
        """The command line for a POSIX shell, with `sudo -n` if the command asks for root."""
        return f"sudo -n {self.line}" if self.sudo else self.line


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCommand:
    """A read-only command.

    `argv`: words; `<name>` in a word is a parameter, `<files>` as the last word stands for several paths.
    `sudo`: needs root. `purpose`: for the reviewer. `usual`: the parameter values that kubeadm's and
    Kubespray's layouts lead to (the lines for sudoers); a command without parameters has one empty entry.
    """

    name: str
    argv: tuple[str, ...]
    sudo: bool
    purpose: str
    usual: tuple[Mapping[str, str], ...] = ({},)

    def call(self, **values: str) -> Call:
        """The command with its parameters filled. Raises `Refused` RP067 for a value that cannot be safe."""
        for name, value in values.items():
            if not _VALUES[name].fullmatch(value):
                raise self._unfit(name, value)
        argv = tuple(_PARAMETER.sub(lambda match: values[match[1]], word) for word in self.argv)
        return Call(self.name, argv, self.sudo)

    def call_files(self, files: tuple[str, ...]) -> Call:
        """The command with `<files>` replaced by absolute paths. Raises as `call`."""
        for value in files:
            if not _VALUES["path"].fullmatch(value):
                raise self._unfit("files", value)
        return Call(self.name, (*self.argv[:-1], *files), self.sudo)

    def matches(self, argv: tuple[str, ...]) -> bool:
        """True if `argv` is this command with safe values in place of its parameters."""
        words = self.argv
        if words and words[-1] == FILES:
            words = words[:-1]
            rest = argv[len(words) :]
            return argv[: len(words)] == words and bool(rest) and all(map(_VALUES["path"].fullmatch, rest))
        return len(argv) == len(words) and all(map(_word_matches, words, argv))

    def _unfit(self, name: str, value: str) -> Refused:
        return Refused(
            "RP067",
            f"The command {self.name} was not run",
            f"{value[:80]!r} is no fit value for its {name}",
            "Look at the file or flag that names it; replank only runs commands of its fixed list.",
        )


def _word_matches(pattern: str, word: str) -> bool:
    parts = _PARAMETER.split(pattern)
    regex = "".join(
        f"({_VALUES[part].pattern})" if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )
    return re.fullmatch(regex, word) is not None
