"""A management plane: its name, number, folder, and which port each of its programs listens on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proving_ground.errors import GroundError
from proving_ground.settings import Folders

NAMES = ("one", "two", "three", "four")
"""Planes there may be, in the order of their numbers."""

ADDRESS = "127.0.0.1"
"""Where every program listens: only programs of this host talk to a plane. The managers' webhook servers
listen on all addresses, since Cluster API has no flag for that; their certificates name only this one."""

_BASE = 20000
"""Below the ports that Linux hands out by itself (32768 and up), above those of the cloud's services."""

ETCD, API_SERVER, CONTROLLER_MANAGER = "etcd", "kube-apiserver", "kube-controller-manager"

_PORTS = {
    (ETCD, "client"): 79,
    (ETCD, "peer"): 80,
    (ETCD, "metrics"): 81,
    (API_SERVER, "https"): 43,
    (CONTROLLER_MANAGER, "https"): 57,
    ("core", "webhook"): 1,
    ("core", "health"): 2,
    ("core", "metrics"): 3,
    ("kubeadm-bootstrap", "webhook"): 11,
    ("kubeadm-bootstrap", "health"): 12,
    ("kubeadm-bootstrap", "metrics"): 13,
    ("kubeadm-control-plane", "webhook"): 21,
    ("kubeadm-control-plane", "health"): 22,
    ("kubeadm-control-plane", "metrics"): 23,
    ("capo", "webhook"): 31,
    ("capo", "health"): 32,
    ("capo", "metrics"): 33,
}

PROGRAMS = tuple(dict.fromkeys(program for program, _ in _PORTS))
"""Every program of a plane, each in a container of its own, in no order."""


@dataclass(frozen=True, slots=True)
class Plane:
    """One management plane. `folder`: all its files, etcd's data among them."""

    name: str
    number: int
    folder: Path

    def port(self, program: str, purpose: str) -> int:
        """The port on which a program of this plane serves `purpose`. The planes are a hundred apart."""
        return _BASE + 100 * self.number + _PORTS[program, purpose]

    def part(self, program: str) -> str:
        """The part's name: its container is `ground-<part>`, its log `<part>.log`."""
        return f"management-{self.name}-{program}"

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{ADDRESS}:{self.port(API_SERVER, 'https')}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's. Mode 0600."""
        return self.folder / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        return self.folder / "audit" / "audit.log"

    def pki(self, program: str) -> Path:
        """All certificates and keys that one program needs, and no others: this folder is mounted into it."""
        return self.folder / "pki" / program

    @property
    def endpoints(self) -> dict[str, dict[str, object]]:
        """Program -> where its health and metrics are. `client_certificate`: whether metrics ask for one (the
        administrator's kubeconfig holds one)."""
        managers = {
            program: {
                "health": f"http://{ADDRESS}:{self.port(program, 'health')}/readyz",
                "metrics": f"http://{ADDRESS}:{self.port(program, 'metrics')}/metrics",
                "client_certificate": False,
            }
            for program, purpose in _PORTS
            if purpose == "webhook"
        }
        etcd = f"http://{ADDRESS}:{self.port(ETCD, 'metrics')}"
        controllers = f"https://{ADDRESS}:{self.port(CONTROLLER_MANAGER, 'https')}"
        return {
            ETCD: {"health": f"{etcd}/readyz", "metrics": f"{etcd}/metrics", "client_certificate": False},
            API_SERVER: {
                "health": f"{self.server}/readyz",
                "metrics": f"{self.server}/metrics",
                "client_certificate": True,
            },
            CONTROLLER_MANAGER: {
                "health": f"{controllers}/healthz",
                "metrics": f"{controllers}/metrics",
                "client_certificate": False,
            },
            **managers,
        }


def plane(folders: Folders, name: str) -> Plane:
    """The plane of that name. Raises `GroundError` with the names there may be."""
    if name not in NAMES:
        raise GroundError("management plane", f"no plane {name!r}", f"One of: {', '.join(NAMES)}")
    return Plane(name, NAMES.index(name) + 1, folders.plane(name))
