"""A whole legacy fleet over the wire: OpenStack, Kubernetes, SSH, and the operator's files."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Self

from replank.testbed.fleet.disk import write_workdir
from replank.testbed.serve.kubernetes import KubernetesTwins, ServedApi
from replank.testbed.serve.openstack.twin import OpenStackTwin
from replank.testbed.serve.ssh import SshTwin
from replank.testbed.world import World


class Twin:
    """Serves a world while it is open, and writes the operator's files into `folder`.

        with Twin(demo_world(1), folder) as twin:
            twin.fleet_file                         # fleet.yaml
            twin.api("plain").faults.append(...)    # the servers take faults, see testbed/serve

    Servers listen on 127.0.0.1 at free ports. The files stay when the twin closes. Raises RuntimeError or
    TimeoutError if a server does not start; those that had started are stopped then.
    """

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.openstack = OpenStackTwin(world.projects)
        apis = [cluster.api for cluster in world.clusters]
        if world.management is not None:
            apis.append(world.management)
        self.apis = KubernetesTwins(apis)
        machines = {machine.address: machine for c in world.clusters for machine in c.machines}
        self.ssh = SshTwin(
            machines,
            user=world.ssh_user,
            client_key=world.ssh_client_key,
            bastion_key=world.bastion_host_key,
        )
        self.fleet_file = folder / "fleet.yaml"
        self._stack = contextlib.ExitStack()

    def api(self, cluster: str) -> ServedApi:
        """The served API of a cluster. Raises KeyError."""
        return self._by_name()[cluster]

    @property
    def management(self) -> ServedApi:
        """The served API of the management cluster. Raises LookupError if the world has none."""
        if self.world.management is None:
            raise LookupError("this world has no management cluster")
        return self.apis[len(self.world.clusters)]

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.openstack)
            stack.enter_context(self.apis)
            stack.enter_context(self.ssh)
            self.fleet_file = write_workdir(
                self.world,
                self.folder,
                auth_url=self.openstack.auth_url,
                api_urls={name: api.url for name, api in self._by_name().items()},
                ssh_port=self.ssh.port,
                management_url=self.management.url if self.world.management is not None else "",
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _by_name(self) -> dict[str, ServedApi]:
        return {cluster.name: self.apis[index] for index, cluster in enumerate(self.world.clusters)}
