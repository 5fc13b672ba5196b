"""What can be wrong with a twin machine's SSH."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SshFault:
    """Faults of one machine, combinable.

    `refused`: nothing listens. `silent`: the connection opens and nothing ever answers. `new_host_key`: it
    shows another key than `SshTwin.known_hosts` writes. `slow_s`: seconds before each answer. `cut_after`:
    the connection is cut instead of answering the n-th command (0 = the first), None = never.
    `sudo_refuses`: words; a `sudo -n` command line that holds one of them is refused.
    """

    refused: bool = False
    silent: bool = False
    new_host_key: bool = False
    slow_s: float = 0.0
    cut_after: int | None = None
    sudo_refuses: tuple[str, ...] = ()
