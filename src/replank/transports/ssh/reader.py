"""The port `HostReader` on asyncssh: one connection a machine, read only."""

from __future__ import annotations

import asyncio

from replank.domain.unknown import Fact, Unknown, is_known
from replank.inventory.facts.hosts import (
    CertificateFile,
    EtcdFacts,
    FileFact,
    HostFacts,
    HostLeftover,
    Package,
    ReferencedFile,
    StaticPod,
)
from replank.inventory.fleet.model import SshAccess
from replank.transports.ssh.connect import Connections
from replank.transports.ssh.control_plane import (
    key_files,
    pki_dirs,
    read_certificates,
    read_etcd,
    read_listing,
    read_references,
    read_static_pods,
    references_of,
)
from replank.transports.ssh.kubelet import is_kubespray, read_kubelet
from replank.transports.ssh.seeing import fact, seen
from replank.transports.ssh.session import HostSession
from replank.transports.ssh.shell import SshShell
from replank.transports.ssh.system import (
    read_hostname,
    read_leftovers,
    read_machine_id,
    read_origin,
    read_os_release,
    read_packages,
    read_runtime,
    read_system_uuid,
    read_virtual_addresses,
)

_ETCD_UNIT = "etcd.service"
_ETCD_PACKAGES = ("etcd", "etcd-server")


class SshHostReader:
    """Reads machines. Import this module only where SSH is really used: asyncssh takes long to import."""

    def __init__(self) -> None:
        self._connections = Connections()

    async def read(self, server: str, address: str, access: SshAccess, certificates_dir: str) -> HostFacts:
        """As ports.readers.HostReader says. Raises `Refused` or `Transient` RP060-RP065."""
        async with self._connections.open(server, address, access) as connection:
            host = server if access.check_host_key else f"{server} (host key not checked)"
            session = await HostSession.start(SshShell(connection), host, access)
            return await _read(session, server, address, access, certificates_dir)


async def _read(
    session: HostSession, server: str, address: str, access: SshAccess, certificates_dir: str
) -> HostFacts:
    listing = await fact(read_listing(session, certificates_dir))
    # Where /etc/kubernetes may not be listed, kubeadm's layout decides where to look. What is not found there
    # stays unknown.
    kubespray = is_known(listing) and is_kubespray(listing)
    (
        (hostname, system_uuid, machine_id, os_release, addresses),
        (packages, kubelet, pods, leftovers),
    ) = await asyncio.gather(
        asyncio.gather(
            fact(read_hostname(session)),
            fact(read_system_uuid(session)),
            fact(read_machine_id(session)),
            fact(read_os_release(session)),
            fact(read_virtual_addresses(session)),
        ),
        asyncio.gather(
            fact(read_packages(session)),
            fact(read_kubelet(session, kubespray=kubespray)),
            fact(_static_pods(session, listing)),
            fact(read_leftovers(session)),
        ),
    )
    dirs = pki_dirs(certificates_dir)
    certificates, referenced, etcd, runtime, origin = await asyncio.gather(
        fact(_certificates(session, listing, pods, dirs)),
        fact(_referenced(session, pods, dirs)),
        fact(_etcd(session, pods, packages, leftovers)),
        fact(read_runtime(session, kubelet)),
        fact(_origin(session, listing, kubespray)),
    )
    return HostFacts(
        server=server,
        address=address,
        hostname=hostname,
        system_uuid=system_uuid,
        machine_id=machine_id,
        os_release=os_release,
        certificates=certificates,
        keys=listing if isinstance(listing, Unknown) else key_files(listing, dirs),
        static_pods=pods,
        referenced_files=referenced,
        etcd=etcd,
        kubelet=kubelet,
        packages=packages,
        runtime=runtime,
        leftovers=leftovers,
        virtual_ips=addresses,
        cloud_init_kubernetes=origin,
        host_key_checked=access.check_host_key,
    )


async def _static_pods(session: HostSession, listing: Fact[tuple[FileFact, ...]]) -> tuple[StaticPod, ...]:
    return await read_static_pods(session, seen(listing))


async def _certificates(
    session: HostSession,
    listing: Fact[tuple[FileFact, ...]],
    pods: Fact[tuple[StaticPod, ...]],
    dirs: tuple[str, ...],
) -> tuple[CertificateFile, ...]:
    """Without the pods only those in the PKI directories are looked for: the fact is about these."""
    references = references_of(pods, dirs) if is_known(pods) else ()
    return await read_certificates(session, seen(listing), dirs, references)


async def _referenced(
    session: HostSession, pods: Fact[tuple[StaticPod, ...]], dirs: tuple[str, ...]
) -> tuple[ReferencedFile, ...]:
    return await read_references(session, references_of(seen(pods), dirs))


async def _etcd(
    session: HostSession,
    pods: Fact[tuple[StaticPod, ...]],
    packages: Fact[tuple[Package, ...]],
    leftovers: Fact[tuple[HostLeftover, ...]],
) -> EtcdFacts | None:
    unit = is_known(leftovers) and any(item.name == _ETCD_UNIT for item in leftovers)
    package = is_known(packages) and any(p.name in _ETCD_PACKAGES for p in packages)
    installed = "etcd is installed on the machine" if unit or package else ""
    return await read_etcd(session, seen(pods), other_etcd=installed)


async def _origin(session: HostSession, listing: Fact[tuple[FileFact, ...]], kubespray: bool) -> bool:
    seen(listing)
    return seen(await read_origin(session, kubespray=kubespray))
