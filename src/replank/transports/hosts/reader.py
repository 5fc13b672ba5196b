"""A machine's facts for a takeover, read in one session."""

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
from replank.transports.hosts.control_plane import (
    key_files,
    pki_dirs,
    read_certificates,
    read_etcd,
    read_listing,
    read_references,
    read_static_pods,
    references_of,
)
from replank.transports.hosts.kubelet import is_kubespray, read_kubelet
from replank.transports.hosts.seeing import fact, seen
from replank.transports.hosts.session import HostSession
from replank.transports.hosts.system import (
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


async def read_host(
    session: HostSession, server: str, address: str, certificates_dir: str, *, host_key_checked: bool
) -> HostFacts:
    """Facts of the machine `server`, on which `session` may run SURVEY_COMMANDS. What could not be read is an
    `Unknown` in its field. `certificates_dir`: kubeadm's."""
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
        host_key_checked=host_key_checked,
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
