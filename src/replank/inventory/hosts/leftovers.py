"""Cron entries and systemd units that no package brought: what Ansible or a person left after boot."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

from replank.inventory.facts.hosts import FileFact, HostLeftover

UNIT_DIR: Final = "/etc/systemd/system"
_CRON_DIR = re.compile(r"(/etc/cron\.[a-z]+|/var/spool/cron(/crontabs|/tabs)?)")
_UNIT = re.compile(r"[^/]+\.(service|timer|socket|mount|path|target|conf)")
# snapd writes a unit for each snap; `.placeholder` is Debian's; both are the image's own.
_OF_THE_SYSTEM = re.compile(r"snap[.-].*|snapd\..*|\.placeholder|0hourly")


def candidates(cron: Iterable[FileFact], units: Iterable[FileFact]) -> tuple[HostLeftover, ...]:
    """Cron entries and units under /etc, sorted by path; those of packages are still among them."""
    found = [
        HostLeftover(kind="cron", name=PurePosixPath(file.path).name, path=file.path)
        for file in cron
        if _CRON_DIR.fullmatch(str(PurePosixPath(file.path).parent))
    ]
    for file in units:
        path = PurePosixPath(file.path)
        if path.is_relative_to(UNIT_DIR) and _UNIT.fullmatch(path.name):
            inside = str(path.relative_to(UNIT_DIR))
            found.append(HostLeftover(kind="unit", name=inside, path=file.path))
    kept = [item for item in found if not _OF_THE_SYSTEM.fullmatch(PurePosixPath(item.path).name)]
    return tuple(sorted(kept, key=lambda item: (item.kind, item.path)))


def without_owned(items: Iterable[HostLeftover], owned: frozenset[str]) -> tuple[HostLeftover, ...]:
    """Those that no package owns."""
    return tuple(item for item in items if item.path not in owned)


def parse_dpkg_owned(text: str) -> frozenset[str]:
    """Paths that `dpkg-query -S` names an owner for (`package: path`)."""
    return frozenset(path for line in text.splitlines() if (path := line.partition(": ")[2]).startswith("/"))


def parse_rpm_owned(text: str) -> frozenset[str]:
    """Paths of all packages that `rpm -qf` found (format of commands.RPM_OWNERS)."""
    return frozenset(line for line in text.splitlines() if line.startswith("/"))
