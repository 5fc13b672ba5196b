"""The services' configuration: the templates of `templates/`, filled in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jinja2

from proving_ground.cloud import ports
from proving_ground.cloud.layout import RUN, VENV, Layout
from proving_ground.cloud.passwords import write_private
from proving_ground.settings import CLOUD_ADDRESS

REGION = "RegionOne"
HOST = "ground"
"""The one compute host."""

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A file below `ETC`, its template, and what it is told besides what all are told."""

    path: str
    template: str
    values: tuple[tuple[str, str], ...] = ()


FILES = (
    Rendered("keystone.conf", "keystone.conf.j2"),
    Rendered("placement/placement.conf", "placement.conf.j2"),
    Rendered("glance/glance-api.conf", "glance-api.conf.j2"),
    Rendered("nova/nova.conf", "nova.conf.j2"),
    Rendered("neutron/neutron.conf", "neutron.conf.j2"),
    # The API asks Neutron for everything; the worker's driver asks for the VIP only.
    Rendered(
        "octavia/octavia-api.conf", "octavia.conf.j2", (("network_driver", "allowed_address_pairs_driver"),)
    ),
    Rendered("octavia/octavia-worker.conf", "octavia.conf.j2", (("network_driver", "ground"),)),
    Rendered("rabbitmq.conf", "rabbitmq.conf.j2"),
)


def database_url(name: str) -> str:
    """Root without a password over a socket in a folder of mode 0700."""
    return f"mysql+pymysql://root@localhost/{name}?unix_socket={RUN}/mysql.sock&charset=utf8mb4"


def render(place: Layout, passwords: dict[str, str]) -> dict[str, str]:
    """Path below `ETC` -> text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        autoescape=False,
        keep_trailing_newline=True,
    )
    told = {
        "address": CLOUD_ADDRESS,
        "database_url": database_url,
        "host_name": HOST,
        "password": passwords,
        "port": {
            **ports.APIS,
            "rabbitmq": ports.RABBITMQ,
            "octavia_heartbeat": ports.OCTAVIA_HEARTBEAT,
        },
        "region": REGION,
        "run": RUN,
        "state": str(place.state),
        "transport_url": f"rabbit://ground:{passwords['rabbitmq']}@127.0.0.1:{ports.RABBITMQ}/",
        "url": {api: ports.url(api) for api in ports.APIS},
        "venv": VENV,
    }
    environment.globals.update(told)
    environment.globals["s"] = environment.get_template("_sections.j2").module
    return {file.path: environment.get_template(file.template).render(dict(file.values)) for file in FILES}


def write(place: Layout, texts: dict[str, str]) -> None:
    """Writes what changed."""
    for path, text in texts.items():
        file = place.etc / path
        if not file.exists() or file.read_text() != text:
            write_private(file, text)
