"""A DNS question for an IPv4 address, and whether an answer has one (RFC 1035, section 4)."""

from __future__ import annotations

import struct
from typing import Final

_HEADER: Final = struct.Struct("!HHHHHH")
_RECURSION_DESIRED: Final = 0x0100
_RESPONSE: Final = 0x8000
_TRUNCATED: Final = 0x0200
_CODES: Final = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


def question(name: str, number: int) -> bytes:
    """The message. `number`: 0 to 65535, told again by the answer. Raises ValueError for a name that DNS
    cannot have."""
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".")]
    if not all(0 < len(label) < 64 for label in labels):
        raise ValueError(f"{name!r} is no DNS name")
    packed = b"".join(bytes([len(label)]) + label for label in labels)
    return _HEADER.pack(number, _RECURSION_DESIRED, 1, 0, 0, 0) + packed + b"\0" + struct.pack("!HH", 1, 1)


def answers(message: bytes, number: int) -> bool:
    """Whether `message` is the answer to question `number`, good or bad."""
    if len(message) < _HEADER.size:
        return False
    told, flags = struct.unpack_from("!HH", message)
    return told == number and bool(flags & _RESPONSE)


def wrong_with(message: bytes) -> str:
    """ "" where the answer has an address (or was cut short behind it, for UDP), else what it says."""
    _, flags, _, found, _, _ = _HEADER.unpack_from(message)
    if code := flags & 0xF:
        return f"the resolver says {_CODES.get(code, f'code {code}')}"
    if not found and not flags & _TRUNCATED:
        return "the resolver knows no address of the name"
    return ""
