"""The port `Hosts` by sessions on hosts: what a takeover reads there. Nothing is changed or left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from typing import TypeVar
from urllib.parse import urlsplit

from replank.domain.errors import Refused, ReplankError
from replank.inventory.facts.hosts import EtcdMember as MemberFact
from replank.inventory.fleet.model import EtcdSnapshots, SshAccess
from replank.inventory.hosts import commands
from replank.inventory.hosts.apply_commands import (
    APPLY_COMMANDS,
    ETCD_SNAPSHOT,
    SECRET_FILE,
    SNAPSHOT_LONGEST_S,
)
from replank.inventory.hosts.etcd_members import etcd_access, parse_health, parse_members
from replank.inventory.hosts.listing import parse_listing
from replank.ports.access import EtcdMember, EtcdSnapshot
from replank.transports.hosts.control_plane import read_static_pods
from replank.transports.hosts.session import HostSession
from replank.transports.hosts.sessions import Sessions
from replank.transports.hosts.snapshots import Snapshots

T = TypeVar("T")
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


class HostMachines:
    """The machines of one cluster.

    `sessions`: by server name (as the plan has it); each call opens one. `addresses`: by the same names,
    where each machine's own etcd listens. `access`: whose key etcd's snapshots are encrypted to where no
    recipients are named.
    """

    def __init__(
        self,
        cluster: str,
        sessions: Sessions,
        addresses: Mapping[str, str],
        snapshots: EtcdSnapshots,
        *,
        access: SshAccess | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._sessions = sessions
        self._addresses = dict(addresses)
        self._snapshots = Snapshots(cluster, snapshots, access)
        self._now = now

    async def read_secret(self, machine: str, path: str) -> bytes:
        """Raises `Refused` RP941 (no such file), RP060 to RP067, `Transient` RP060, RP065."""
        async with self._session(machine) as session:
            call = SECRET_FILE.call(path=path)
            output = await session.output(call)
            if output.status == 0:
                return output.data
            if output.status != 127 and not await session.exists(path):
                raise Refused(
                    "RP941",
                    f"{path} cannot be read on {machine}",
                    "there is no such file",
                    "Compare with the plan: was the certificates directory moved since the survey?",
                )
            raise session.failed(call, output)

    async def etcd_members(self, machine: str) -> tuple[EtcdMember, ...]:
        """A member is healthy when it knows a leader and raises no alarm. Each is asked on its own machine,
        one on no machine of ours from here; one that nobody can ask is not healthy."""
        async with self._session(machine) as session:
            members, ways = await self._first(session, machine, self._members)
            own = await self._health(session, ways)
            asked = await asyncio.gather(
                *(self._elsewhere(session, ways, member) for member in members if member.id not in own)
            )
        health = dict(own)
        for found in asked:
            health |= found
        return tuple(
            EtcdMember(
                id=member.id,
                name=member.name,
                peer_urls=member.peer_urls,
                learner=member.learner,
                healthy=health.get(member.id, False),
            )
            for member in members
        )

    async def etcd_snapshot(self, machine: str) -> EtcdSnapshot:
        """Raises `Refused` RP943 (no place), RP944 (recipients), RP945 (the disk), `Transient` RP942 (not
        verified), and as `read_secret`."""
        recipients = await asyncio.to_thread(self._snapshots.recipients)
        await asyncio.to_thread(self._snapshots.prepare)

        async def take(session: HostSession, way: dict[str, str]) -> EtcdSnapshot:
            call = ETCD_SNAPSHOT.call(**way)
            async with aclosing(session.stream(call, longest_s=SNAPSHOT_LONGEST_S + 60.0)) as pieces:
                return await self._snapshots.keep(machine, pieces, self._now(), recipients)

        async with self._session(machine) as session:
            snapshot, _ = await self._first(session, machine, take)
            return snapshot

    async def newest_snapshot(self) -> EtcdSnapshot | None:
        """Raises `Refused` RP943 where no place is configured, RP945 where it cannot be looked into."""
        return await asyncio.to_thread(self._snapshots.newest)

    def _session(self, machine: str) -> AbstractAsyncContextManager[HostSession]:
        return self._sessions.open(machine, APPLY_COMMANDS)

    async def _first(
        self,
        session: HostSession,
        machine: str,
        work: Callable[[HostSession, dict[str, str]], Coroutine[None, None, T]],
    ) -> tuple[T, tuple[dict[str, str], ...]]:
        """What `work` gives at the first endpoint of etcd that it works at, the machine's own one first; with
        all of them. Raises what the last one raised."""
        ways = await _ways(session, self._addresses.get(machine, ""))
        failure: ReplankError | None = None
        for way in ways:
            try:
                return await work(session, way), ways
            except ReplankError as error:
                failure = error
                if error.code not in _NEXT_ENDPOINT:
                    break
        raise failure or Refused(
            "RP067",
            f"etcd was not asked on {machine}",
            "no kube-apiserver manifest there says how to reach it",
            "Name a control-plane machine, or look at the manifests in /etc/kubernetes/manifests.",
        )

    async def _members(self, session: HostSession, way: dict[str, str]) -> tuple[MemberFact, ...]:
        return parse_members(await session.text(commands.ETCD_MEMBERS.call(**way)))

    async def _health(self, session: HostSession, ways: tuple[dict[str, str], ...]) -> dict[str, bool]:
        """Member -> healthy, for the one behind the first endpoint that answers; {} where none does."""
        for way in ways:
            try:
                member, healthy = parse_health(await session.text(commands.ETCD_STATUS.call(**way)))
            except ReplankError:
                continue
            return {member: healthy}
        return {}

    async def _elsewhere(
        self, session: HostSession, ways: tuple[dict[str, str], ...], member: MemberFact
    ) -> dict[str, bool]:
        """The same for another member: on its own machine if that is one of ours, else from this one."""
        hosts = {urlsplit(url).hostname for url in member.client_urls}
        name = next((n for n, address in self._addresses.items() if n == member.name or address in hosts), "")
        found: dict[str, bool] = {}
        if name:
            try:
                async with self._session(name) as other:
                    local = await _ways(other, self._addresses[name])
                    found = await self._health(other, local[:1])
            except ReplankError:
                found = {}
        if member.id not in found:
            urls = sorted(member.client_urls)
            found = await self._health(session, tuple({**ways[0], "url": url.rstrip("/")} for url in urls))
        return {member.id: found[member.id]} if member.id in found else {}


# Another endpoint may do what this one did not: it does not answer, or answers nonsense.
_NEXT_ENDPOINT = frozenset({"RP065", "RP067", "RP088"})


async def _ways(session: HostSession, address: str) -> tuple[dict[str, str], ...]:
    """How this machine's API server reaches etcd, its own endpoint first."""
    listing = parse_listing(
        await session.text_if_there(
            commands.LIST_FILES.call(path=commands.KUBERNETES_DIR), commands.KUBERNETES_DIR
        )
        or ""
    )
    ways = etcd_access(await read_static_pods(session, listing))
    own = _LOCAL | {address}
    return tuple(sorted(ways, key=lambda way: urlsplit(way["url"]).hostname not in own))
