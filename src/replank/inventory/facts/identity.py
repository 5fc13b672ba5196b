"""Who is who: the server, the Node and the host that are one legacy machine, and how we know."""

from __future__ import annotations

from dataclasses import dataclass

from replank.domain.roles import Role
from replank.domain.unknown import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One reason to believe a join or a role.

    `key`: provider-id | system-uuid | address | name | node-label | load-balancer | metadata | static-pod |
    server-name | override.
    """

    key: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyMachine:
    """A machine of the legacy cluster. `name`: the server's name, or the Node's where no server is known.

    `server_id`, `node`: None = there is none. `state_addresses`: Terraform addresses of its server.
    `group`: worker group from fleet.yaml, "" = to be formed by likeness.
    """

    name: str
    role: Fact[Role]
    server_id: Fact[str | None]
    node: Fact[str | None]
    state_addresses: tuple[str, ...] = ()
    group: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two sources contradict each other about who is who. Never resolved by a guess.

    `claimed_by`: another cluster of the fleet whose state has this server too, "" for any other conflict.
    """

    subject: str
    says: str
    evidence: tuple[Evidence, ...] = ()
    claimed_by: str = ""
