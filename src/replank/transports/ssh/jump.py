"""`[user@]host[:port]` of a jump host."""

from __future__ import annotations

import re
from dataclasses import dataclass

from replank.domain.errors import Refused

_JUMP = re.compile(
    r"(?:(?P<user>[^@\s]+)@)?(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^:@\s\[\]]+))(?::(?P<port>[0-9]{1,5}))?",
    flags=re.ASCII,
)


@dataclass(frozen=True, slots=True)
class JumpHost:
    """A jump host. `port` 22 if none was named."""

    user: str
    host: str
    port: int


def parse_jump(text: str, *, default_user: str) -> JumpHost:
    """The parts of `text`; an IPv6 address stands in brackets. Raises `Refused` RP060."""
    match = _JUMP.fullmatch(text)
    port = int(match["port"] or 22) if match else 0
    if match is None or not 0 < port < 65536:
        raise Refused(
            "RP060",
            "The jump host was not understood",
            f"{text!r} is not [user@]host[:port]",
            "Correct `ssh.jump` in fleet.yaml.",
        )
    return JumpHost(user=match["user"] or default_user, host=match["v6"] or match["host"], port=port)
