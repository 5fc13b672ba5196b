"""Three control planes of kubeadm and one worker behind a bastion, as a takeover reads them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pyrage
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from replank.inventory.fleet.model import EtcdSnapshots, SshAccess
from replank.inventory.hosts import commands
from replank.inventory.hosts.apply_commands import ETCD_SNAPSHOT
from replank.testbed.serve.ssh import SshTwin
from replank.testbed.world import FileEntry, Machine
from replank.transports.hosts.machines import HostMachines
from replank.transports.ssh.sessions import SshSessions

T = TypeVar("T")
NAMES = ("cp-1", "cp-2", "cp-3")
ADDRESSES = {"cp-1": "10.0.0.11", "cp-2": "10.0.0.12", "cp-3": "10.0.0.13", "w-1": "10.0.0.21"}
SECRET = b"-----BEGIN PRIVATE KEY-----\nplanted-ca-key\n-----END PRIVATE KEY-----\n"
ETCD = dict(commands.KUBEADM_ETCD)
TAKEN_AT = 1_795_000_000.0


@cache
def ssh_key(_name: str) -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def manifest(servers: str = ETCD["url"]) -> bytes:
    flags = "".join(
        f"    - --{flag}={value}\n"
        for flag, value in (
            ("etcd-cafile", ETCD["ca"]),
            ("etcd-certfile", ETCD["cert"]),
            ("etcd-keyfile", ETCD["key"]),
            ("etcd-servers", servers),
        )
    )
    return (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver}\nspec:\n  containers:\n"
        "  - name: kube-apiserver\n    image: kube-apiserver:v1.34.4\n    command:\n"
        f"    - kube-apiserver\n{flags}"
    ).encode()


def members(*learners: str) -> dict[str, Any]:
    return {
        "members": [
            {
                "ID": str(index),
                "name": name,
                "peerURLs": [f"https://{ADDRESSES[name]}:2380"],
                "clientURLs": [f"https://{ADDRESSES[name]}:2379"],
                "isLearner": name in learners,
            }
            for index, name in reversed(list(enumerate(NAMES, start=10)))
        ]
    }


def status(index: int, **changes: Any) -> str:
    return json.dumps({"header": {"member_id": str(index)}, "version": "3.6.5", "leader": "10", **changes})


def control_plane(index: int) -> Machine:
    name = NAMES[index]
    return Machine(
        server_name=name,
        server_id=f"id-{name}",
        host_key=ssh_key(name),
        address=ADDRESSES[name],
        files={
            "/etc/kubernetes/manifests/kube-apiserver.yaml": FileEntry(manifest(), "0600"),
            "/etc/kubernetes/pki/ca.key": FileEntry(SECRET, "0600"),
        },
        commands={
            commands.ETCD_MEMBERS.call(**ETCD).line: json.dumps(members()),
            commands.ETCD_STATUS.call(**ETCD).line: status(10 + index),
        },
    )


@dataclass
class Site:
    twin: SshTwin
    access: SshAccess
    folder: Path
    machines: dict[str, Machine]
    identity: Any = field(default_factory=pyrage.x25519.Identity.generate)
    now: float = TAKEN_AT

    @property
    def kept(self) -> EtcdSnapshots:
        return EtcdSnapshots(
            folder=str(self.folder / "snapshots"), recipients=(str(self.identity.to_public()),)
        )

    def hosts(self, kept: EtcdSnapshots | None = None, **access: Any) -> HostMachines:
        how = replace(self.access, **access)
        sessions = SshSessions(how, ADDRESSES)
        return HostMachines("plain", sessions, ADDRESSES, kept or self.kept, access=how, now=lambda: self.now)

    def run(self, work: Callable[[HostMachines], Awaitable[T]], kept: EtcdSnapshots | None = None) -> T:
        async def main() -> T:
            return await work(self.hosts(kept))

        return asyncio.run(main())

    def answers(self, machine: str, line: str, text: str) -> None:
        self.machines[machine].commands[line] = text

    def snapshot_answers(self, text: str, machine: str = "cp-1") -> None:
        self.answers(machine, ETCD_SNAPSHOT.call(**ETCD).line, text)

    def files(self) -> list[str]:
        """What lies in the snapshots' place."""
        place = self.folder / "snapshots"
        return sorted(str(p.relative_to(place)) for p in place.rglob("*") if p.is_file())


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    machines = {name: control_plane(index) for index, name in enumerate(NAMES)}
    machines["w-1"] = Machine(
        server_name="w-1", server_id="id-w-1", host_key=ssh_key("w-1"), address=ADDRESSES["w-1"]
    )
    by_address = {machine.address: machine for machine in machines.values()}
    key, known = folder / "id_ed25519", folder / "known_hosts"
    key.write_text(ssh_key("client"))
    with SshTwin(by_address, user="ubuntu", client_key=ssh_key("client")) as twin:
        twin.known_hosts(known)
        access = SshAccess(
            user="ubuntu", key=str(key), jump=twin.jump, known_hosts=str(known), connect_timeout_s=5
        )
        yield Site(twin, access, folder, machines)
