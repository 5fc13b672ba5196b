"""The cloud's services as data, and the parts made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proving_ground.cloud import ports
from proving_ground.cloud.host import SOCKET
from proving_ground.cloud.layout import ETC, VENV, Layout
from proving_ground.engine.parts import Part, port_open
from proving_ground.settings import CLOUD_ADDRESS

SERVE = (f"{VENV}/bin/python", "-m", "ground_drivers.serve")


@dataclass(frozen=True, slots=True)
class Service:
    """An OpenStack service. `files`: its configuration, below `ETC`. `port`: of an API. `docker`: hands
    machines, networks or load balancers to Docker. `rules`: writes NAT rules."""

    name: str
    command: Sequence[str]
    files: Sequence[str]
    port: int | None = None
    environment: Mapping[str, str] | None = None
    docker: bool = False
    rules: bool = False


def _api(module: str, port: int, threads: int, *arguments: str, start: str = "") -> tuple[str, ...]:
    started = ("--start", start) if start else ()
    return (*SERVE, *started, module, CLOUD_ADDRESS, str(port), str(threads), "--", *arguments)


def _nova(program: str, *, docker: bool = False) -> Service:
    return Service(
        program, (program, "--config-file", f"{ETC}/nova/nova.conf"), ("nova/nova.conf",), docker=docker
    )


KEYSTONE = Service(
    "keystone",
    _api("keystone.wsgi.api", ports.KEYSTONE, 8),
    ("keystone.conf",),
    ports.KEYSTONE,
    {"OS_KEYSTONE_CONFIG_FILES": f"{ETC}/keystone.conf", "OS_KEYSTONE_CONFIG_DIR": ""},
)

EARLY = (
    Service(
        "nova-api",
        _api("nova.wsgi.osapi_compute", ports.NOVA, 8),
        ("nova/nova.conf",),
        ports.NOVA,
        {
            "OS_NOVA_CONFIG_DIR": f"{ETC}/nova",
            "OS_NOVA_CONFIG_FILES": f"{VENV}/etc/nova/api-paste.ini;nova.conf",
        },
    ),
    Service(
        "neutron",
        _api("neutron.wsgi.api", ports.NEUTRON, 8, start="ground_drivers.network.router"),
        ("neutron/neutron.conf",),
        ports.NEUTRON,
        {"OS_NEUTRON_CONFIG_DIR": f"{ETC}/neutron", "OS_NEUTRON_CONFIG_FILES": "neutron.conf"},
        docker=True,
        rules=True,
    ),
    Service(
        "placement",
        _api("placement.wsgi.api", ports.PLACEMENT, 4),
        ("placement/placement.conf",),
        ports.PLACEMENT,
        {"OS_PLACEMENT_CONFIG_DIR": f"{ETC}/placement"},
    ),
    Service(
        "octavia-api",
        _api(
            "octavia.wsgi.api",
            ports.OCTAVIA,
            6,
            "--config-file",
            f"{ETC}/octavia/octavia-api.conf",
            start="ground_drivers.balancer.health",
        ),
        ("octavia/octavia-api.conf",),
        ports.OCTAVIA,
    ),
    Service(
        "octavia-worker",
        ("octavia-worker", "--config-file", f"{ETC}/octavia/octavia-worker.conf"),
        ("octavia/octavia-worker.conf",),
        docker=True,
    ),
    Service(
        "glance",
        _api("glance.wsgi.api", ports.GLANCE, 4),
        ("glance/glance-api.conf",),
        ports.GLANCE,
        {"OS_GLANCE_CONFIG_DIR": f"{ETC}/glance"},
    ),
)
"""Their start does not need Keystone, so that they load while it learns who is who."""

LATE = (_nova("nova-conductor"), _nova("nova-scheduler"), _nova("nova-compute", docker=True))
"""They ask Keystone at once, and end when it does not know them yet. nova-compute last: it waits ten seconds
where the conductor does not answer."""


def part(
    service: Service,
    image: str,
    place: Layout,
    texts: Mapping[str, str],
    environment: Mapping[str, str],
    socket: Path,
) -> Part:
    """The part that runs a service. `texts`: the rendered configuration: a change of the service's own
    restarts it."""
    mounts = place.mounts()
    if service.docker:
        mounts[socket] = SOCKET
    return Part(
        name=f"cloud-{service.name}",
        image=image,
        command=service.command,
        ready=port_open(CLOUD_ADDRESS, service.port) if service.port else lambda: "",
        # Few allocator arenas: each of the many threads would get its own, and keep what it once needed.
        environment={"MALLOC_ARENA_MAX": "2", **environment, **(service.environment or {})},
        mounts=mounts,
        capabilities=("NET_ADMIN", "NET_RAW") if service.rules else (),
        inputs=[texts[file] for file in service.files],
    )


def broker(image: str, place: Layout, texts: Mapping[str, str]) -> Part:
    """RabbitMQ. Its queues live as long as its container; services declare theirs anew."""
    home = "/var/lib/rabbitmq"
    return Part(
        name="cloud-rabbitmq",
        image=image,
        command=["/usr/lib/rabbitmq/bin/rabbitmq-server"],
        ready=port_open("127.0.0.1", ports.RABBITMQ),
        environment={
            "HOME": home,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(ports.EPMD),
            "RABBITMQ_NODENAME": "ground@localhost",
            "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_CONFIG_FILE": f"{ETC}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": str(ports.RABBITMQ_DISTRIBUTION),
            # Two schedulers that sleep when idle: Erlang's default spins for a while, on every core.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
            ),
        },
        mounts=place.mounts(),
        inputs=[texts["rabbitmq.conf"]],
    )
