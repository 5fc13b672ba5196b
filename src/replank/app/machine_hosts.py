"""Machines over SSH at the addresses that Nova tells when the first of them is reached."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from replank.inventory.fleet.model import ClusterConfig
from replank.plan.takeover import PlannedMachine, TakeoverPlan
from replank.ports.access import Cloud, EtcdMember, EtcdSnapshot

if TYPE_CHECKING:
    from replank.transports.hosts.machines import HostMachines


class MachineHosts:
    """Implements `ports.access.Hosts`. Asks Nova once; asyncssh is imported then."""

    def __init__(self, config: ClusterConfig, plan: TakeoverPlan, cloud: Cloud) -> None:
        self._config = config
        self._plan = plan
        self._cloud = cloud
        self._opening = asyncio.Lock()
        self._hosts: HostMachines | None = None

    async def read_secret(self, machine: str, path: str) -> bytes:
        """See the port."""
        return await (await self._open()).read_secret(machine, path)

    async def etcd_members(self, machine: str) -> tuple[EtcdMember, ...]:
        """See the port."""
        return await (await self._open()).etcd_members(machine)

    async def etcd_snapshot(self, machine: str) -> EtcdSnapshot:
        """See the port."""
        return await (await self._open()).etcd_snapshot(machine)

    async def newest_snapshot(self) -> EtcdSnapshot | None:
        """See the port."""
        return await (await self._open()).newest_snapshot()

    async def _open(self) -> HostMachines:
        async with self._opening:
            if self._hosts is None:
                from replank.transports.hosts.machines import HostMachines
                from replank.transports.ssh.sessions import SshSessions

                config, addresses = self._config, await self._addresses()
                sessions = SshSessions(config.ssh, addresses)
                self._hosts = HostMachines(
                    config.name, sessions, addresses, config.etcd_snapshot, access=config.ssh
                )
            return self._hosts

    async def _addresses(self) -> dict[str, str]:
        """By every name that a machine of the plan goes by."""
        kind = self._config.ssh.address if self._config.ssh is not None else "any"
        servers = {str(server["id"]): server for server in await self._cloud.servers()}
        found: dict[str, str] = {}
        for machine in self._plan.machines:
            address = ssh_address(servers.get(machine.server_id) or {}, kind)
            if address:
                found |= dict.fromkeys(_names(machine), address)
        return found


def ssh_address(server: Mapping[str, Any], kind: str) -> str:
    """Of Nova's document; "" where it has none of that kind. `kind`: fixed, floating, any (fixed first)."""
    addresses = [entry for network in (server.get("addresses") or {}).values() for entry in network]
    wanted = ("fixed", "floating") if kind == "any" else (kind,)
    ordered = [a["addr"] for each in wanted for a in addresses if a.get("OS-EXT-IPS:type") == each]
    return str(ordered[0]) if ordered else ""


def _names(machine: PlannedMachine) -> set[str]:
    return {machine.server_name, machine.machine, machine.rename_server_to or machine.machine}
