"""A twin of two machines behind a bastion, and a key to log in with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from host_machines import ADDRESS, kubeadm_machine, kubespray_machine, ssh_key
from ssh_site import KUBESPRAY, Site

from replank.inventory.fleet.model import SshAccess
from replank.testbed.serve.ssh import SshTwin
from replank.testbed.serve.ssh_faults import SshFault
from replank.testbed.world import Machine


@pytest.fixture(scope="session")
def client_key() -> str:
    return ssh_key()


@pytest.fixture(scope="session")
def host_keys() -> tuple[str, str]:
    return ssh_key(), ssh_key()


@pytest.fixture
def machines(host_keys: tuple[str, str]) -> dict[str, Machine]:
    first, second = kubeadm_machine(), kubespray_machine()
    first.host_key, second.host_key = host_keys
    return {ADDRESS: first, KUBESPRAY: second}


@pytest.fixture
def site(tmp_path: Path, client_key: str, machines: dict[str, Machine]) -> Iterator[Callable[..., Site]]:
    """Starts a twin with faults; ends it after the test."""
    running: list[SshTwin] = []

    def start(fault: SshFault | None = None) -> Site:
        twin = SshTwin(
            machines,
            user="ubuntu",
            client_key=client_key,
            faults={ADDRESS: fault} if fault else None,
        )
        twin.__enter__()
        running.append(twin)
        key, known = tmp_path / "id_ed25519", tmp_path / "known_hosts"
        key.write_text(client_key)
        twin.known_hosts(known)
        access = SshAccess(
            user="ubuntu", key=str(key), jump=twin.jump, known_hosts=str(known), connect_timeout_s=5
        )
        return Site(twin, access, tmp_path)

    yield start
    for twin in running:
        twin.__exit__(None, None, None)
