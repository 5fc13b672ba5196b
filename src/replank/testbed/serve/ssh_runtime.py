"""What a twin machine answers to the commands of `survey --runtime` beyond those that read single files.

`testbed/fleet/hosts/runtime.py` gives canned answers for the runtimes' own clients; what follows from files
is worked out here, as grep, pgrep and readlink do.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

from replank.inventory.hosts.runtime_commands import SEARCHED
from replank.testbed.world import FileEntry, Machine

Outcome = tuple[int, bytes]
"""Exit status and stdout."""


def pgrep(machine: Machine, words: list[str]) -> Outcome:
    """`pgrep [-o] -x NAME`: by the first word of each command line."""
    pids = []
    for path, entry in machine.files.items():
        match = re.fullmatch(r"/proc/([0-9]+)/cmdline", path)
        if match and PurePosixPath(entry.content.split(b"\0")[0].decode()).name == words[-1]:
            pids.append(int(match[1]))
    pids = sorted(pids)[: 1 if "-o" in words else None]
    return (0 if pids else 1), "".join(f"{pid}\n" for pid in pids).encode()


def grep_only(machine: Machine, words: list[str]) -> Outcome:
    """`grep -o -E PATTERN FILE`."""
    entry = machine.files.get(words[-1])
    if entry is None:
        return 2, b""
    found = re.findall(words[-2].encode(), entry.content)
    return (0 if found else 1), b"".join(match + b"\n" for match in found)


def grep_zero(machine: Machine, words: list[str]) -> Outcome:
    """`grep -z PATTERN FILE`: lines end in NUL."""
    entry = machine.files.get(words[-1])
    if entry is None:
        return 2, b""
    found = [line for line in entry.content.split(b"\0") if re.search(words[-2].encode(), line)]
    return (0 if found else 1), b"".join(line + b"\0" for line in found)


def grep_store(machine: Machine, words: list[str]) -> Outcome:
    """`grep -r -s -Z ^ FOLDER`: each line with its path and a NUL before it."""
    found = b"".join(
        path.encode() + b"\0" + line + b"\n"
        for path, entry in _below(machine, words[-1])
        for line in entry.content.split(b"\n")
        if line
    )
    return (0 if found else 1), found


def grep_docker(machine: Machine, words: list[str]) -> Outcome:
    """`grep -rnIws -m 50 docker FOLDER...`; it ends with 2 where a folder is missing."""
    lines = [
        b"%s:%d:%s\n" % (path.encode(), number, line)
        for folder in words[words.index("docker") + 1 :]
        for path, entry in _below(machine, folder)
        if b"\0" not in entry.content
        for number, line in enumerate(entry.content.splitlines(), start=1)
        if re.search(rb"\bdocker\b", line)
    ]
    missing = any(not _below(machine, folder) for folder in SEARCHED)
    return (2 if missing else 0 if lines else 1), b"".join(lines)


def apt_cache(machine: Machine, words: list[str]) -> Outcome:
    """`apt-cache show NAME...`: a record for each version that an archive has, and for what is installed."""
    if not machine.packages:
        return 127, b""
    installed = {"apt": "2.6.1", **machine.packages}
    records = [
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n"
        for name, version in installed.items()
        if name in words and f"{name}={version}" not in machine.debs
    ]
    for key, deb in machine.debs.items():
        name, _, version = key.partition("=")
        if name in words:
            records.append(
                f"Package: {name}\nArchitecture: amd64\nVersion: {version}\n"
                f"Filename: pool/{name}_{version}_amd64.deb\nSize: {len(deb)}\n"
                f"SHA256: {hashlib.sha256(deb).hexdigest()}\nDescription-en: runtime\n .\n One more.\n"
            )
    return 0, "\n".join(records).encode()


def _below(machine: Machine, folder: str) -> list[tuple[str, FileEntry]]:
    return [
        (path, entry)
        for path, entry in sorted(machine.files.items())
        if path == folder or PurePosixPath(path).is_relative_to(folder)
    ]
