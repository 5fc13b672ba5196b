"""When the cloud is ready: APIs answer, Nova's services report, and a server could be scheduled."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import docker
from openstack.connection import Connection

from proving_ground.engine.parts import Part, last_lines
from proving_ground.errors import GroundError

NOVA = ("nova-compute", "nova-conductor", "nova-scheduler")
LIMIT_S = 120.0


def await_ready(client: docker.DockerClient, cloud: Connection, running: list[Part]) -> None:
    """Until all of it holds. `cloud`: admin's. Raises `GroundError` with what was seen last, at once where a
    part has ended."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        for part in running:
            _refuse_dead(client, part)
        missing = _missing(client, cloud)
        if not missing:
            return
        if time.monotonic() > deadline:
            raise GroundError(
                "cloud",
                f"is not ready after {LIMIT_S:.0f} s: {missing}",
                "docker logs ground-cloud-nova-compute",
            )
        time.sleep(0.3)


def _refuse_dead(client: docker.DockerClient, part: Part) -> None:
    state = client.containers.get(part.container).attrs["State"]
    if state["Status"] != "running":
        raise GroundError(
            part.name,
            f"ended with {state['ExitCode']}",
            f"Read all of it: docker logs {part.container}. Run the same command again to go on from here.",
            last_lines(client, part.container),
        )


def _missing(client: docker.DockerClient, cloud: Connection) -> str:
    """The first thing that is not as it must be, "" when all is."""
    reported = {service.binary: service for service in cloud.compute.services()}
    for binary in NOVA:
        service = reported.get(binary)
        if service is None or service.state != "up" or not service.updated_at:
            return f"{binary} is not up"
        # A report from before the part was started says nothing about it now.
        if datetime.fromisoformat(service.updated_at).replace(tzinfo=UTC) < _started(client, binary):
            return f"{binary} has not reported since its start"
    if not list(cloud.compute.hypervisors()):
        return "the compute host is not mapped to its cell"
    providers = list(cloud.placement.resource_providers())
    if not providers:
        return "Placement has no resource provider"
    classes = {i.resource_class for i in cloud.placement.resource_provider_inventories(providers[0])}
    return "" if "VCPU" in classes else f"Placement's inventory is {sorted(classes)}"


def _started(client: docker.DockerClient, binary: str) -> datetime:
    """To the second, as Nova reports."""
    state = client.containers.get(f"ground-cloud-{binary}").attrs["State"]["StartedAt"]
    return datetime.fromisoformat(state.split(".")[0]).replace(tzinfo=UTC)
