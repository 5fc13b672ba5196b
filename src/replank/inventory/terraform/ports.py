"""Which ports a server has, as far as a state tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from replank.inventory.facts.terraform import TerraformResource
from replank.inventory.terraform.select import servers


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPorts:
    """The ports of one server instance, in the order of its interfaces.

    `ports`: IDs; None where Nova made the port itself (its ID is not in the state and its Neutron name is
    empty). `attached`: ports that `openstack_compute_interface_attach_v2` added, by ID.
    """

    state: str
    address: str
    server_id: str
    ports: tuple[str | None, ...]
    attached: tuple[str, ...] = ()


def server_ports(resources: Iterable[TerraformResource]) -> tuple[ServerPorts, ...]:
    """Every managed server of `resources` with its ports, in the order given.

    Joined by `network[].port`: a port's own `device_id` is often stale in a state (provider 1.x to 3.x
    reads it once). An address is only unique within its state, hence `state` and `server_id`.
    """
    resources = tuple(resources)
    attached: dict[str, list[str]] = {}
    for resource in resources:
        if resource.mode == "managed" and resource.type == "openstack_compute_interface_attach_v2":
            server_id, port_id = resource.attributes.get("instance_id"), resource.attributes.get("port_id")
            if isinstance(server_id, str) and isinstance(port_id, str) and port_id:
                attached.setdefault(server_id, []).append(port_id)
    return tuple(
        ServerPorts(
            state=server.state,
            address=server.address,
            server_id=server.id,
            ports=_ports(server),
            attached=tuple(sorted(set(attached.get(server.id, ())))),
        )
        for server in servers(resources)
    )


def _ports(server: TerraformResource) -> tuple[str | None, ...]:
    networks = server.attributes.get("network")
    if not isinstance(networks, list):
        return ()
    found: list[str | None] = []
    for network in networks:
        port = network.get("port") if isinstance(network, dict) else None
        found.append(port if isinstance(port, str) and port else None)
    return tuple(found)
