"""A running twin, as the wire tests use it."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

from host_machines import ADDRESS

from replank.inventory.facts.hosts import HostFacts
from replank.inventory.fleet.model import SshAccess
from replank.testbed.serve.ssh import SshTwin
from replank.transports.ssh.reader import SshHostReader

KUBESPRAY = "10.0.1.21"


@dataclasses.dataclass
class Site:
    """A running twin and how an operator reaches it."""

    twin: SshTwin
    access: SshAccess
    folder: Path

    def read(self, address: str = ADDRESS, pki: str = "/etc/kubernetes/pki", **access: object) -> HostFacts:
        """One machine, with fields of the access changed."""
        how = dataclasses.replace(self.access, **access)  # type: ignore[arg-type]
        return asyncio.run(SshHostReader().read("cp-1", address, how, pki))
