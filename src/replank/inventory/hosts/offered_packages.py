"""What a node's apt can fetch."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import HeaderParser
from typing import Final

from replank.inventory.hosts.listing import strange_output
from replank.inventory.runtime.facts import OfferedPackage

_SHA256: Final = re.compile(r"[0-9a-f]{64}", flags=re.ASCII)
_SIZE: Final = re.compile(r"[0-9]{1,15}", flags=re.ASCII)


def parse_offered(text: str) -> tuple[OfferedPackage, ...]:
    """The packages of `apt-cache show`, sorted; each version once, unless two archives differ about it.

    A record is a paragraph of deb822(5), which is RFC 822's header. One without `Filename` is what dpkg has
    installed and no archive offers (apt, cmdline/apt-cache.cc). Raises `Refused` RP089.
    """
    records = (HeaderParser().parsestr(part) for part in re.split(r"\n{2,}", text.strip("\n")) if part)
    offered = {_package(record) for record in map(_read, records) if record["Filename"]}
    return tuple(sorted(offered, key=lambda one: (one.name, one.version, one.architecture, one.sha256)))


def _read(record: Message) -> Message:
    if record.defects or record.get_payload() or not (record["Package"] and record["Version"]):
        raise strange_output("apt-cache", f"{str(record)[:60]!r} is no record of a package")
    return record


def _package(record: Message) -> OfferedPackage:
    sha256, size = (record["SHA256"] or "").lower(), record["Size"] or "0"
    if (sha256 and not _SHA256.fullmatch(sha256)) or not _SIZE.fullmatch(size):
        raise strange_output("apt-cache", f"{record['Package']} has a strange hash or size")
    return OfferedPackage(
        name=record["Package"],
        version=record["Version"],
        architecture=record["Architecture"] or "",
        sha256=sha256,
        bytes=int(size),
    )
