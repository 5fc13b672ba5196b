"""grep on a node, where "nothing found" and "sudo refused" both end with 1."""

from __future__ import annotations

from replank.inventory.hosts.command import Call
from replank.transports.hosts.session import HostSession


async def read_matches(session: HostSession, call: Call) -> str:
    """What grep printed, "" for nothing. Files that are not there (exit status 2 with `-s`) count for
    nothing. Raises as `HostSession.data` where sudo refused: grep itself says nothing on stderr then."""
    output = await session.output(call)
    if output.status == 0 or (output.status in (1, 2) and not output.why):
        return output.text
    raise session.failed(call, output)
