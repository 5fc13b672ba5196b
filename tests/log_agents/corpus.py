"""A corpus of container log lines with the records that must come out: both formats, everything that breaks
parsers.

Each record is numbered in its content, so that a loss and a doubling are seen.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from replank.inventory.log_agents.lines import (
    SPLIT_BYTES,
    Record,
    utf8_as_docker_has_it,
    write_cri,
    write_docker,
)

OFFSETS = ("Z", "+02:00", "-03:30")


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """`docker`, `cri`: the same records in both formats. `docker_contents`, `cri_contents`: what must come
    out.
    """

    docker: bytes
    cri: bytes
    docker_contents: tuple[bytes, ...]
    cri_contents: tuple[bytes, ...]


def corpus(seed: int, size: int, *, long_lines: bool = True, offsets: tuple[str, ...] = OFFSETS) -> Corpus:
    """`size` records. `long_lines`: with such that runtimes split; `offsets`: of CRI's times (Docker's are
    UTC).
    """
    chance = random.Random(seed)
    cri = [_record(number, chance, long_lines, offsets) for number in range(size)]
    docker = [Record(time=f"{r.time[:29]}Z", stream=r.stream, content=r.content) for r in cri]
    return Corpus(
        docker=write_docker(docker),
        cri=write_cri(cri),
        docker_contents=tuple(utf8_as_docker_has_it(record.content) for record in docker),
        cri_contents=tuple(record.content for record in cri),
    )


def _record(number: int, chance: random.Random, long_lines: bool, offsets: tuple[str, ...]) -> Record:
    content = _content(number, chance, long_lines)
    hour, minute, second = 10 + number // 3600 % 12, number // 60 % 60, number % 60
    time = f"2026-05-01T{hour:02}:{minute:02}:{second:02}.{chance.randrange(1, 10**9):09}"
    if chance.random() < 0.3:
        return Record(time=f"{time}{chance.choice(offsets)}", stream="stderr", content=content)
    return Record(time=f"{time}{chance.choice(offsets)}", stream="stdout", content=content)


def _content(number: int, chance: random.Random, long_lines: bool) -> bytes:
    name = f"n{number:07}".encode()
    kinds = [
        name + b" plain line",
        b'{"log":"' + name + b'","stream":"stdout","time":"2026-01-01T00:00:00Z"}',
        b"2026-01-01T00:00:00.5Z stderr F nested " + name,
        name + " Grüße, 日本, \u2028 <&>".encode(),
        name + b" not UTF-8: \xff\xc3\x28\xe2\x82",
        b"   leading and trailing " + name + b"   ",
        name + b'\ttabs\tand \\ backslashes " quotes',
        b"",
    ]
    if long_lines and number % 50 == 7:
        kinds = [
            name + b"x" * length
            for length in (SPLIT_BYTES - 9, SPLIT_BYTES - 8, SPLIT_BYTES, 3 * SPLIT_BYTES + 5)
        ]
    return chance.choice(kinds)
