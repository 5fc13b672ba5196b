"""The container of a load balancer: made, reloaded without losing a connection, removed."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

from octavia.network.drivers.neutron import allowed_address_pairs
from oslo_log import log as logging

from ground_drivers import docker_host
from ground_drivers.balancer import haproxy

LOG = logging.getLogger(__name__)
HOME = docker_host.STATE / "load-balancers"
RELOAD_S = 30.0


def name_of(load_balancer_id: str) -> str:
    return f"lb-{load_balancer_id}"


def apply(load_balancer) -> None:
    """Makes haproxy be what Octavia's database says; idempotent. Octavia calls it once for each change."""
    folder = HOME / load_balancer.id
    with docker_host.lock(name_of(load_balancer.id)):
        folder.mkdir(parents=True, exist_ok=True)
        wanted = haproxy.configuration(load_balancer)
        _replace(folder / "amphorae.json", json.dumps([amphora.id for amphora in load_balancer.amphorae]))
        changed = _replace(folder / "haproxy.cfg", wanted)
        container = docker_host.find(name_of(load_balancer.id))
        if container is None:
            _create(load_balancer, folder)
        elif container.status != "running":
            container.start()
        elif changed:
            container.kill("SIGUSR2")  # master-worker mode: a new worker takes over the listening sockets
        else:
            return
        _await(folder, wanted)


def remove(load_balancer_id: str) -> None:
    docker_host.remove(name_of(load_balancer_id))
    shutil.rmtree(HOME / load_balancer_id, ignore_errors=True)


def _create(load_balancer, folder: Path) -> None:
    neutron = allowed_address_pairs.AllowedAddressPairsDriver()
    subnet = neutron.get_subnet(load_balancer.vip.subnet_id)
    network = docker_host.ensure_network(
        subnet.id, neutron.get_network(subnet.network_id).name, subnet.cidr, subnet.gateway_ip
    )
    api = docker_host.client().api
    name = name_of(load_balancer.id)
    endpoint = api.create_endpoint_config(ipv4_address=load_balancer.vip.ip_address)
    api.create_container(
        os.environ["GROUND_LOAD_BALANCER_IMAGE"],
        name=name,
        hostname="load-balancer",
        labels={docker_host.LABEL: f"load-balancer-{load_balancer.name or load_balancer.id}"},
        networking_config=api.create_networking_config({network: endpoint}),
        host_config=api.create_host_config(
            network_mode=network, binds=[f"{folder}:/lb"], restart_policy={"Name": "unless-stopped"}
        ),
    )
    api.start(name)


def _await(folder: Path, wanted: str) -> None:
    """An Octavia object is ACTIVE only when its traffic flows: until the new worker knows every server."""
    deadline = time.monotonic() + RELOAD_S
    while time.monotonic() < deadline:
        try:
            if haproxy.served_names(folder) == haproxy.names(wanted):
                return
        except OSError as error:
            LOG.debug("haproxy in %s does not answer yet: %s", folder, error)
        time.sleep(0.05)
    raise RuntimeError(f"haproxy in {folder} has not taken its new configuration within {RELOAD_S:.0f} s")


def _replace(path: Path, text: str) -> bool:
    """Writes the file at once. Returns whether its text is another than before."""
    if path.exists() and path.read_text() == text:
        return False
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)
    return True
