"""MariaDB, and its databases with their schemas, which are made once and then come from the cache.

Making them takes a minute (each project migrates from its first schema); they hold no secret and no address,
so they depend on the packages only."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker

from proving_ground.cloud import once
from proving_ground.cloud.configuration import database_url
from proving_ground.cloud.image import DOCKERFILE, LOCK
from proving_ground.cloud.layout import ETC, RUN, Layout
from proving_ground.engine import parts
from proving_ground.engine.parts import Part, Ready
from proving_ground.progress import Progress
from proving_ground.settings import Folders

DATA = "/var/lib/mysql"
DATABASES = ("keystone", "placement", "glance", "nova_api", "nova_cell0", "nova", "neutron", "octavia")
BROKER = "{scheme}://{username}:{password}@{hostname}:{port}/"
"""Nova fills in what its configuration says: so the table of cells holds no password (nova-manage(1),
cell_v2)."""

NOVA = ("nova-manage", "--config-file", f"{ETC}/nova/nova.conf")
LANES: Sequence[Sequence[Sequence[str]]] = (
    (
        ("neutron-db-manage", "--config-file", f"{ETC}/neutron/neutron.conf", "upgrade", "heads"),
        ("glance-manage", "--config-file", f"{ETC}/glance/glance-api.conf", "db_sync"),
        ("placement-manage", "--config-file", f"{ETC}/placement/placement.conf", "db", "sync"),
    ),
    (
        ("keystone-manage", "--config-file", f"{ETC}/keystone.conf", "db_sync"),
        (*NOVA, "api_db", "sync"),
        (*NOVA, "cell_v2", "map_cell0", "--database_connection", database_url("nova_cell0")),
        (*NOVA, "db", "sync"),
        (*NOVA, "cell_v2", "create_cell", "--name", "cell1", "--transport-url", BROKER,
         "--database_connection", database_url("nova")),
        ("octavia-db-manage", "--config-file", f"{ETC}/octavia/octavia-api.conf", "upgrade", "head"),
    ),
)  # fmt: skip
"""What is done one after the other, in two lanes side by side."""

SERVER = (
    "mariadbd",
    "--no-defaults",
    "--user=root",
    f"--datadir={DATA}",
    f"--socket={RUN}/mysql.sock",
    f"--pid-file={RUN}/mysql.pid",
    "--skip-networking",
    "--skip-log-bin",
    "--character-set-server=utf8mb4",
    "--max-connections=500",
    "--performance-schema=OFF",
    "--innodb-buffer-pool-size=128M",
    "--innodb-log-file-size=64M",
    # Nobody needs these data after a power failure.
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-flush-method=nosync",
)


def server(image: str, data: Path, run: Path, name: str = "cloud-mariadb") -> Part:
    """MariaDB on a data folder, answering on a socket in `run`."""
    return Part(
        name=name,
        image=image,
        command=SERVER,
        ready=_greets(run / "mysql.sock"),
        mounts={data: DATA, run: RUN},
    )


def restore(
    client: docker.DockerClient, folders: Folders, place: Layout, image: str, progress: Progress
) -> None:
    """Puts the data folder there, from the cache; makes the cache first where it is missing. One that is
    there stays."""
    if place.database.exists():
        return
    seed = folders.cache / "cloud" / f"databases-{_key()}.tar.gz"
    if not seed.exists():
        with progress.step("cloud: database schemas"):
            _make(client, place, image, seed)
    fresh = place.state / "mysql.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    with tarfile.open(seed) as tar:
        tar.extractall(fresh, filter="data")
    fresh.rename(place.database)


def _key() -> str:
    """Of what the schemas follow from: the packages, and what we do with them."""
    digest = hashlib.sha256(DOCKERFILE.read_bytes() + LOCK.read_bytes())
    digest.update(repr((LANES, DATABASES, SERVER)).encode())
    return digest.hexdigest()[:16]


def _make(client: docker.DockerClient, place: Layout, image: str, seed: Path) -> None:
    work = place.state / "seeding"
    scratch = server(image, work / "mysql", work / "run", "cloud-mariadb-seed")
    parts.remove(client, [scratch.name])
    shutil.rmtree(work, ignore_errors=True)
    for folder in ("mysql", "run"):
        (work / folder).mkdir(parents=True, mode=0o700)
    once.run(
        client,
        image,
        once.Once(
            "cloud-init-mariadb",
            ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={DATA}",
             "--auth-root-authentication-method=normal", "--skip-test-db"],
            {work / "mysql": DATA},
        ),
    )  # fmt: skip
    parts.start_and_wait(client, [scratch])
    mounts = {place.etc: ETC, work / "run": RUN}
    create = "".join(f"create database {name} character set utf8mb4;" for name in DATABASES)
    sql = ["mariadb", "--no-defaults", "-uroot", f"--socket={RUN}/mysql.sock", "-e"]
    once.run(client, image, once.Once("cloud-init-databases", [*sql, create], mounts))

    def lane(number: int) -> None:
        for step, command in enumerate(LANES[number]):
            once.run(client, image, once.Once(f"cloud-init-{number}-{step}", command, mounts))

    with ThreadPoolExecutor(len(LANES)) as pool:
        list(pool.map(lane, range(len(LANES))))
    once.run(
        client,
        image,
        once.Once("cloud-init-shutdown", [*sql, "set global innodb_fast_shutdown=1; shutdown"], mounts),
    )
    client.containers.get(scratch.container).wait(timeout=60)
    parts.remove(client, [scratch.name])
    seed.parent.mkdir(parents=True, exist_ok=True)
    fresh = seed.with_suffix(".new")
    with tarfile.open(fresh, "w:gz", compresslevel=1) as tar:
        tar.add(work / "mysql", ".")
    fresh.replace(seed)
    shutil.rmtree(work)


def _greets(path: Path) -> Ready:
    """Ready when the server sends its greeting over the socket."""

    def ask() -> str:
        # A socket's path may have 107 bytes (unix(7)); the folder's descriptor makes it short.
        try:
            folder = os.open(path.parent, os.O_RDONLY)
        except FileNotFoundError as error:
            return str(error)
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(f"/proc/self/fd/{folder}/{path.name}")
                return "" if connection.recv(5) else f"{path} closes the connection"
        except OSError as error:
            return f"{path}: {error}"
        finally:
            os.close(folder)

    return ask
