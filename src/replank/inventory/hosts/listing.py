"""What `find` and `stat` say about files (formats: commands.LIST_FILES, commands.STAT_FORMAT)."""

from __future__ import annotations

import re
from typing import Final

from replank.domain.errors import Refused
from replank.inventory.facts.hosts import FileFact

CODE: Final = "RP089"
_ENTRY = re.compile(r"([0-7]{1,5})\|([^|]+)\|([^|]+)\|([0-9]{1,18})\|(/.*)", flags=re.DOTALL | re.ASCII)
_STAT = re.compile(r"([0-7]{1,5}) (\S+) (\S+) ([0-9]{1,18})\n?", flags=re.ASCII)


def parse_listing(text: str) -> tuple[FileFact, ...]:
    """Files by metadata, sorted by path. Raises `Refused` RP089 for text of another shape."""
    files: list[FileFact] = []
    for entry in filter(None, text.split("\0")):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise strange_output("find", f"{entry[:60]!r} is no entry")
        mode, owner, group, size, path = match.groups()
        files.append(FileFact(path=path, mode=_mode(mode), owner=owner, group=group, size=int(size)))
    return tuple(sorted(files, key=lambda file: file.path))


def parse_stat(text: str, *, path: str) -> FileFact:
    """The metadata of the one file `path`. Raises `Refused` RP089 for text of another shape."""
    match = _STAT.fullmatch(text)
    if match is None:
        raise strange_output("stat", f"{text[:60]!r} is not what it prints")
    mode, owner, group, size = match.groups()
    return FileFact(path=path, mode=_mode(mode), owner=owner, group=group, size=int(size))


def parse_hash(text: str) -> str:
    """The hash that sha256sum printed; a backslash before it marks an escaped name.

    Raises `Refused` RP089.
    """
    match = re.match(r"\\?([0-9a-f]{64}) ", text, flags=re.ASCII)
    if match is None:
        raise strange_output("sha256sum", f"{text[:60]!r} is no hash")
    return match[1]


def strange_output(command: str, why: str) -> Refused:
    """The error for output that a command should not have."""
    return Refused(
        CODE,
        f"The output of {command} was not understood",
        why,
        "Report it with the machine's operating system; the fact stays unknown until then.",
    )


def _mode(text: str) -> str:
    return text.rjust(4, "0")
