"""Brings the cloud up: from whatever is there to ready."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import docker

from proving_ground.cloud import (
    bootstrap,
    configuration,
    database,
    host,
    image,
    once,
    passwords,
    ports,
    services,
)
from proving_ground.cloud.connect import connect, write_clouds_yaml
from proving_ground.cloud.layout import ETC, Layout, layout
from proving_ground.cloud.readiness import await_ready
from proving_ground.engine import parts as engine
from proving_ground.engine.parts import Part
from proving_ground.progress import Progress
from proving_ground.settings import Folders


def up(client: docker.DockerClient, folders: Folders, progress: Progress) -> None:
    """Idempotent: what already runs as described is left alone, and a run that was interrupted goes on.

    Raises `GroundError` for the part that does not come up, with its last lines.
    """
    place = layout(folders)
    place.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with progress.step("cloud: images"):
        cloud_image = image.ensure_cloud(client, folders)
        load_balancer_image = image.ensure_load_balancer(client, folders)
    secrets = passwords.ensure(place)
    passwords.ensure_keys(place, secrets)
    texts = configuration.render(place, secrets)
    configuration.write(place, texts)
    for folder in ("", "locks"):
        (place.run / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    for folder in ("glance/images", "nova", "neutron", "machines", "load-balancers"):
        (place.state / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    host.ensure_network(client)
    all_parts = parts(client, folders, cloud_image, load_balancer_image, texts)
    database.restore(client, folders, place, cloud_image, progress)
    write_clouds_yaml(folders, secrets)
    mariadb, rabbitmq, keystone, *rest = all_parts
    early, late = rest[: len(services.EARLY)], rest[len(services.EARLY) :]
    with progress.step("cloud: database, message broker"):
        engine.start(client, rabbitmq)
        engine.start_and_wait(client, [mariadb])
    with progress.step("cloud: Keystone"):
        for part in (keystone, *early):
            engine.start(client, part)
        _bootstrap(client, folders, place, cloud_image, keystone, secrets)
    with progress.step("cloud: Nova, Neutron, Octavia, Glance, Placement"):
        engine.wait(client, rabbitmq)
        for part in late:
            engine.start(client, part)
        engine.start_and_wait(client, early)
        with connect(folders, "ground-admin") as cloud:
            bootstrap.resources(cloud)
            await_ready(client, cloud, all_parts)


def parts(
    client: docker.DockerClient,
    folders: Folders,
    cloud_image: str,
    load_balancer_image: str,
    texts: dict[str, str],
) -> list[Part]:
    """Every part of the cloud in the order of their starts: MariaDB, RabbitMQ, Keystone, then `EARLY`
    and `LATE` of the services."""
    place = layout(folders)
    environment = host.for_drivers(client, cloud_image, load_balancer_image, place)
    socket = host.docker_socket()
    return [
        database.server(cloud_image, place.database, place.run),
        services.broker(cloud_image, place, texts),
        *(
            services.part(service, cloud_image, place, texts, environment, socket)
            for service in (services.KEYSTONE, *services.EARLY, *services.LATE)
        ),
    ]


def _bootstrap(
    client: docker.DockerClient,
    folders: Folders,
    place: Layout,
    cloud_image: str,
    keystone: Part,
    secrets: dict[str, str],
) -> None:
    """Tells Keystone who is who, once for each state folder."""
    told = hashlib.sha256(
        repr((bootstrap.CATALOGUE, bootstrap.ROLES, bootstrap.IMPLIED, ports.APIS)).encode()
    )
    if place.bootstrapped.exists() and place.bootstrapped.read_text() == told.hexdigest():
        engine.wait(client, keystone)
        return
    url = f"{ports.url('keystone')}/v3"
    first = once.Once(
        "cloud-init-keystone",
        ("keystone-manage", "--config-file", f"{ETC}/keystone.conf", "bootstrap", "--bootstrap-region-id",
         configuration.REGION, "--bootstrap-public-url", url, "--bootstrap-admin-url", url,
         "--bootstrap-internal-url", url),
        place.mounts(),
        {"OS_BOOTSTRAP_PASSWORD": secrets["admin"]},
    )  # fmt: skip
    with ThreadPoolExecutor(1) as pool:
        told_first = pool.submit(once.run, client, cloud_image, first)
        engine.wait(client, keystone)
        told_first.result()
    with connect(folders, "ground-admin") as cloud:
        bootstrap.identities(cloud, secrets)
    passwords.write_private(place.bootstrapped, told.hexdigest())
