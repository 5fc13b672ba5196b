"""The control plane's files on one machine, and what etcd says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from replank.domain.errors import Refused, ReplankError
from replank.inventory.facts.hosts import (
    CertificateFile,
    EtcdFacts,
    FileFact,
    ReferencedFile,
    StaticPod,
)
from replank.inventory.hosts import commands
from replank.inventory.hosts.certificates import parse_certificates, parse_kubeconfig_certificates
from replank.inventory.hosts.etcd_members import etcd_access, parse_members, parse_status
from replank.inventory.hosts.listing import parse_hash, parse_listing, parse_stat
from replank.inventory.hosts.referenced_files import Reference, file_references
from replank.inventory.hosts.static_pods import parse_static_pod
from replank.transports.hosts.session import HostSession


def pki_dirs(certificates_dir: str) -> tuple[str, ...]:
    """Where certificates and keys lie: kubeadm's directory, and Kubespray's for etcd on the host."""
    return (certificates_dir.rstrip("/"), commands.ETCD_PKI_DIR)


async def read_listing(session: HostSession, certificates_dir: str) -> tuple[FileFact, ...]:
    """All files of Kubernetes and of the PKI directories by metadata, each path once."""
    roots = [commands.KUBERNETES_DIR]
    roots += [d for d in pki_dirs(certificates_dir) if not _inside(d, (commands.KUBERNETES_DIR,))]
    found = await asyncio.gather(*(_list(session, root) for root in roots))
    files = {file.path: file for listed in found for file in listed}
    return tuple(files[path] for path in sorted(files))


async def read_static_pods(session: HostSession, listing: Iterable[FileFact]) -> tuple[StaticPod, ...]:
    """Every manifest that the kubelet runs: all files of its folder but hidden ones, whatever their ending
    (k8s.io/kubernetes pkg/kubelet/config/file.go)."""
    paths = [
        file.path
        for file in listing
        if str(PurePosixPath(file.path).parent) == commands.MANIFESTS_DIR
        and not PurePosixPath(file.path).name.startswith(".")
    ]
    texts = await asyncio.gather(*(session.text(commands.MANIFEST.call(path=path)) for path in paths))
    return tuple(parse_static_pod(text, path=path) for path, text in zip(paths, texts, strict=True))


async def read_certificates(
    session: HostSession,
    listing: Iterable[FileFact],
    dirs: tuple[str, ...],
    references: Iterable[Reference],
) -> tuple[CertificateFile, ...]:
    """Certificates of the PKI directories, of kubeadm's kubeconfigs, of the kubelet, and those outside that
    control-plane flags name."""
    files = tuple(listing)
    pem = [file.path for file in files if _inside(file.path, dirs) and _is_certificate(file.path)]
    pem += [r.path for r in references if r.purpose == "other" and not r.secret and _is_certificate(r.path)]
    there = {file.path for file in files}
    kubeconfigs = [f"{commands.KUBERNETES_DIR}/{name}" for name in commands.KUBECONFIGS]
    found = await asyncio.gather(
        *(_pem(session, path) for path in sorted({*pem, commands.KUBELET_CERTIFICATE})),
        *(_kubeconfig(session, path) for path in kubeconfigs if path in there),
    )
    return tuple(sorted((c for part in found for c in part), key=lambda c: (c.path, c.not_after, c.sha256)))


def key_files(listing: Iterable[FileFact], dirs: tuple[str, ...]) -> tuple[FileFact, ...]:
    """Keys by metadata, the service accounts' public one among them."""
    return tuple(file for file in listing if _inside(file.path, dirs) and _is_key(file.path))


async def read_references(
    session: HostSession, references: Iterable[Reference]
) -> tuple[ReferencedFile, ...]:
    """The files behind flags: metadata, and a hash of those that hold no secret."""
    wanted = tuple(references)
    secret = {reference.path for reference in wanted if reference.secret}
    paths = sorted({reference.path for reference in wanted})
    facts = await asyncio.gather(*(_file(session, path, path in secret) for path in paths))
    by_path = dict(zip(paths, facts, strict=True))
    return tuple(
        ReferencedFile(
            component=reference.component,
            flag=reference.flag,
            path=reference.path,
            purpose=reference.purpose,
            secret=reference.path in secret,
            file=by_path[reference.path],
        )
        for reference in wanted
    )


def references_of(pods: tuple[StaticPod, ...], dirs: tuple[str, ...]) -> tuple[Reference, ...]:
    """The files that the flags of `pods` name."""
    return file_references(pods, pki_dirs=dirs)


async def read_etcd(
    session: HostSession, pods: tuple[StaticPod, ...], *, other_etcd: str
) -> EtcdFacts | None:
    """etcd as the API server of this machine reaches it; None if the machine has neither.

    `other_etcd`: why to believe that the machine runs an etcd that no kube-apiserver manifest names, "".
    Asks one endpoint after the other. Raises what the last one raised.
    """
    ways = etcd_access(pods)
    if not ways and any(pod.component == "etcd" for pod in pods):
        other_etcd = "there is a static pod of etcd"
    if not ways and other_etcd:
        raise Refused(
            "RP067",
            "etcd was not asked for its members",
            f"{other_etcd}, but no kube-apiserver manifest that says how to reach it",
            "Compare with the control-plane machines, which are asked.",
        )
    failure: ReplankError | None = None
    for way in ways:
        try:
            members = await session.text(commands.ETCD_MEMBERS.call(**way))
            status = await session.text(commands.ETCD_STATUS.call(**way))
            return parse_status(status, parse_members(members))
        except ReplankError as error:
            failure = error
    if failure is not None:
        raise failure
    return None


async def _list(session: HostSession, root: str) -> tuple[FileFact, ...]:
    text = await session.text_if_there(commands.LIST_FILES.call(path=root), root)
    return parse_listing(text) if text is not None else ()


async def _pem(session: HostSession, path: str) -> tuple[CertificateFile, ...]:
    text = await session.text_if_there(commands.CERTIFICATE.call(path=path), path)
    return parse_certificates(text, path=path) if text is not None else ()


async def _kubeconfig(session: HostSession, path: str) -> tuple[CertificateFile, ...]:
    text = await session.text_if_there(commands.KUBECONFIG_CERTIFICATE.call(path=path), path)
    return parse_kubeconfig_certificates(text, path=path) if text is not None else ()


async def _file(session: HostSession, path: str, secret: bool) -> FileFact | None:
    text = await session.text_if_there(commands.FILE_METADATA.call(path=path), path)
    if text is None:
        return None
    fact = parse_stat(text, path=path)
    if secret:
        return replace(fact, content="secret")
    return replace(fact, content=parse_hash(await session.text(commands.FILE_HASH.call(path=path))))


def _inside(path: str, dirs: tuple[str, ...]) -> bool:
    return any(PurePosixPath(path).is_relative_to(directory) for directory in dirs)


def _is_key(path: str) -> bool:
    return path.endswith((".key", "-key.pem", ".pub"))


def _is_certificate(path: str) -> bool:
    return path.endswith((".crt", ".pem", ".cert")) and not _is_key(path)
