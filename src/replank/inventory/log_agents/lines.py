"""The two formats in which a container's lines lie on a node: what they mean, line by line.

Docker's json-file (moby, `daemon/logger/jsonfilelog`): a JSON object a line, `log` with its final newline,
`stream`, `time`. A line of the application longer than 16 KiB comes in several objects; all but the last
have no final newline. CRI (KEP kubernetes/community `kubelet-cri-logging.md`; containerd
`internal/cri/io/logger.go`): `<RFC3339Nano> <stdout|stderr> <tags> <content>`, the first tag P or F. Times
carry the node's own offset.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

SPLIT_BYTES = 16384
"""Where both runtimes split a line (moby `copier.go` bufSize, containerd `max_container_log_line_size`)."""

_RFC3339_NANO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a log file. `time`: as written. `full`: the application's line ends here."""

    time: str
    stream: Literal["stdout", "stderr"]
    full: bool
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the application, without its newline. `time`: that of its last part."""

    time: str
    stream: Literal["stdout", "stderr"]
    content: bytes


class NotALine(ValueError):
    """The text is not a line of that format; the message says what is wrong with it."""


def parse_docker(line: bytes) -> Line:
    """One line of a json-file, without its newline. Content is UTF-8: Docker replaces what is not.

    Raises `NotALine`.
    """
    try:
        found = json.loads(line)
    except ValueError as error:
        raise NotALine(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise NotALine("JSON, but not an object")
    content, stream, time = found.get("log", ""), found.get("stream"), found.get("time")
    if not isinstance(content, str):
        raise NotALine("`log` is not a text")
    encoded = content.encode("utf-8", "surrogatepass")
    full = encoded.endswith(b"\n")
    return Line(
        time=_time(time), stream=_stream(stream), full=full, content=encoded[:-1] if full else encoded
    )


def parse_cri(line: bytes) -> Line:
    """One line of a CRI log, without its newline. Content is bytes as the application wrote them.

    Raises `NotALine`.
    """
    parts = line.split(b" ", 3)
    if len(parts) != 4:
        raise NotALine("fewer than three spaces")
    time, stream, tags, content = parts
    first = tags.split(b":")[0]
    if first not in (b"P", b"F"):
        raise NotALine("the tag is neither P nor F")
    return Line(
        time=_time(time.decode("ascii", "replace")),
        stream=_stream(stream.decode("ascii", "replace")),
        full=first == b"F",
        content=content,
    )


def parse(line: bytes) -> Line:
    """Either format, told apart by the first byte: a CRI line begins with a digit. Raises `NotALine`."""
    return parse_docker(line) if line.startswith(b"{") else parse_cri(line)


def join(lines: Iterable[Line]) -> Iterator[Record]:
    """Puts partial lines together, each stream by itself. Parts without an end yet give no record."""
    parts: dict[str, list[bytes]] = {}
    for line in lines:
        parts.setdefault(line.stream, []).append(line.content)
        if line.full:
            yield Record(time=line.time, stream=line.stream, content=b"".join(parts.pop(line.stream)))


def write_docker(records: Sequence[Record], *, split: int = SPLIT_BYTES) -> bytes:
    """The json-file of these records, split at `split` bytes as Docker splits: without regard for characters.

    Bytes that are not UTF-8 become U+FFFD, as Go's JSON encoder writes them; `<`, `>` and `&` are escaped.
    """
    return b"".join(_docker_line(record, part, last) for record, part, last in _parts(records, split))


def write_cri(records: Sequence[Record], *, split: int = SPLIT_BYTES) -> bytes:
    """The CRI log of these records, split at `split` bytes. Content is written as it is, invalid UTF-8
    too.
    """
    return b"".join(
        f"{record.time} {record.stream} {'F' if last else 'P'} ".encode() + part + b"\n"
        for record, part, last in _parts(records, split)
    )


def utf8_as_docker_has_it(content: bytes, *, split: int = SPLIT_BYTES) -> bytes:
    """What is left of `content` after Docker wrote it: each byte that is no UTF-8 is U+FFFD.

    A character that a split tears apart is lost on both sides of it, too.
    """
    pieces = [content[at : at + split] for at in range(0, len(content), split)]
    return b"".join(_as_go_reads_it(piece).encode() for piece in pieces)


def _parts(records: Sequence[Record], split: int) -> Iterator[tuple[Record, bytes, bool]]:
    for record in records:
        content = record.content
        while len(content) > split:
            yield record, content[:split], False
            content = content[split:]
        yield record, content, True


def _docker_line(record: Record, part: bytes, last: bool) -> bytes:
    text = _as_go_reads_it(part) + ("\n" if last else "")
    encoded = json.dumps(text, ensure_ascii=False)
    for character in "<>&\u2028\u2029\ufffd":
        encoded = encoded.replace(character, f"\\u{ord(character):04x}")
    return f'{{"log":{encoded},"stream":"{record.stream}","time":"{record.time}"}}\n'.encode()


def _as_go_reads_it(content: bytes) -> str:
    """Go's `range` over a string: one U+FFFD for each byte that begins no valid sequence."""
    found: list[str] = []
    while content:
        try:
            found.append(content.decode())
            break
        except UnicodeDecodeError as error:
            found.append(content[: error.start].decode() + _REPLACEMENT)
            content = content[error.start + 1 :]
    return "".join(found)


def _time(value: object) -> str:
    if not isinstance(value, str) or not _RFC3339_NANO.fullmatch(value):
        raise NotALine("the time is not RFC 3339")
    return value


def _stream(value: object) -> Literal["stdout", "stderr"]:
    if value == "stdout":
        return "stdout"
    if value == "stderr":
        return "stderr"
    raise NotALine("the stream is neither stdout nor stderr")
