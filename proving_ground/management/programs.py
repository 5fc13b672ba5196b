"""The programs of a plane as parts: their flags, what is mounted into them, how they say that they serve."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from proving_ground.engine.parts import Part, Ready, answers
from proving_ground.management import credentials
from proving_ground.management.manifests import Deployment
from proving_ground.management.plane import ADDRESS, API_SERVER, CONTROLLER_MANAGER, ETCD, Plane

AUDIT_POLICY = Path(__file__).parent / "audit-policy.yaml"

IDLE = "replank-ground-idle"
"""A value of the label cluster.x-k8s.io/watch-filter that no object has. A manager that watches for it
reconciles nothing, while its webhooks answer: no flag turns controllers off."""

_PKI, _DATA, _AUDIT = "/pki", "/data", "/audit"

_CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "clusterrole-aggregation-controller",  # Cluster API's roles are aggregated ones
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "validatingadmissionpolicy-status-controller",
)
"""What the API of a plane needs. Nothing runs pods here."""


def etcd(plane: Plane, image: str) -> Part:
    """The plane's own etcd, one member."""
    client = f"https://{ADDRESS}:{plane.port(ETCD, 'client')}"
    peer = f"http://{ADDRESS}:{plane.port(ETCD, 'peer')}"
    metrics = f"http://{ADDRESS}:{plane.port(ETCD, 'metrics')}"
    flags = {
        "name": plane.name,
        "data-dir": _DATA,
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"{plane.name}={peer}",
        "listen-metrics-urls": metrics,
        "cert-file": f"{_PKI}/tls.crt",
        "key-file": f"{_PKI}/tls.key",
        "client-cert-auth": "true",
        "trusted-ca-file": f"{_PKI}/ca.crt",
        # Only a crash of the whole host could lose writes, and with it goes the ground.
        "unsafe-no-fsync": "true",
        "logger": "zap",
        "log-level": "warn",
    }
    mounts = {plane.folder / "etcd": _DATA}
    return _part(plane, ETCD, image, ["/etcd", *_flags(flags)], answers(f"{metrics}/readyz"), mounts)


def api_server(plane: Plane, image: str) -> Part:
    """The API server, with an audit log of all writes."""
    flags = {
        "etcd-servers": f"https://{ADDRESS}:{plane.port(ETCD, 'client')}",
        "etcd-cafile": f"{_PKI}/etcd-ca.crt",
        "etcd-certfile": f"{_PKI}/etcd.crt",
        "etcd-keyfile": f"{_PKI}/etcd.key",
        "bind-address": ADDRESS,
        "advertise-address": ADDRESS,
        "secure-port": str(plane.port(API_SERVER, "https")),
        "tls-cert-file": f"{_PKI}/tls.crt",
        "tls-private-key-file": f"{_PKI}/tls.key",
        "client-ca-file": f"{_PKI}/ca.crt",
        "token-auth-file": f"{_PKI}/tokens.csv",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": f"{_PKI}/service-accounts.pub",
        "service-account-signing-key-file": f"{_PKI}/service-accounts.key",
        "service-cluster-ip-range": "10.0.0.0/24",  # no Service is ever served
        "authorization-mode": "RBAC",
        "endpoint-reconciler-type": "none",  # 127.0.0.1 may be in no EndpointSlice
        "audit-policy-file": f"{_PKI}/audit-policy.yaml",
        "audit-log-path": f"{_AUDIT}/audit.log",
        "audit-log-maxsize": "200",
        "audit-log-maxbackup": "3",
    }
    command = ["/kube", API_SERVER, *_flags(flags)]
    ready = answers(f"{plane.server}/readyz", ca=credentials.ca_file(plane))
    return _part(plane, API_SERVER, image, command, ready, {plane.audit_log.parent: _AUDIT})


def controller_manager(plane: Plane, image: str) -> Part:
    """The few of Kubernetes' controllers that the API itself needs."""
    port = plane.port(CONTROLLER_MANAGER, "https")
    flags = {
        "kubeconfig": f"{_PKI}/kubeconfig",
        "authentication-skip-lookup": "true",  # nobody comes through an aggregating proxy
        "authorization-kubeconfig": f"{_PKI}/kubeconfig",
        "authorization-always-allow-paths": "/healthz,/readyz,/livez,/metrics",
        "bind-address": ADDRESS,
        "secure-port": str(port),
        "tls-cert-file": f"{_PKI}/tls.crt",
        "tls-private-key-file": f"{_PKI}/tls.key",
        "root-ca-file": f"{_PKI}/ca.crt",
        "service-account-private-key-file": f"{_PKI}/service-accounts.key",
        "use-service-account-credentials": "true",  # the audit log then names each controller
        "controllers": ",".join(_CONTROLLERS),
        "leader-elect": "false",
    }
    command = ["/kube", CONTROLLER_MANAGER, *_flags(flags)]
    ready = answers(f"https://{ADDRESS}:{port}/healthz", ca=credentials.ca_file(plane))
    return _part(plane, CONTROLLER_MANAGER, image, command, ready)


def manager(
    plane: Plane, image: str, name: str, deployment: Deployment, webhook: Ready, *, idle: bool
) -> Part:
    """A Cluster API manager with upstream's own flags, but for where it listens and whom it waits for.

    `webhook`: says whether its webhooks refuse what they should.
    """
    health = plane.endpoints[name]["health"]
    own = {
        "leader-elect": "false",
        "diagnostics-address": f"{ADDRESS}:{plane.port(name, 'metrics')}",
        "insecure-diagnostics": "true",
        "health-addr": f"{ADDRESS}:{plane.port(name, 'health')}",
        "webhook-port": str(plane.port(name, "webhook")),
        "webhook-cert-dir": _PKI,
        **({"watch-filter": IDLE} if idle else {}),
    }
    upstream = [a for a in deployment.arguments if a.removeprefix("--").partition("=")[0] not in own]
    return _part(
        plane,
        name,
        image,
        [f"/{name}", *upstream, *_flags(own)],
        _both(answers(str(health)), webhook),
        environment={"KUBECONFIG": f"{_PKI}/kubeconfig"},
    )


def prepare(plane: Plane) -> None:
    """The folders and files that parts mount besides credentials."""
    for folder in (plane.folder / "etcd", plane.audit_log.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    policy = AUDIT_POLICY.read_bytes()
    target = plane.pki(API_SERVER) / "audit-policy.yaml"
    if not target.exists() or target.read_bytes() != policy:
        target.write_bytes(policy)


def _part(
    plane: Plane,
    program: str,
    image: str,
    command: list[str],
    ready: Ready,
    mounts: Mapping[Path, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Part:
    """All run as who brings the plane up: they can read files of mode 0600, and `down` can remove theirs."""
    pki = plane.pki(program)
    return Part(
        name=plane.part(program),
        image=image,
        command=command,
        ready=ready,
        environment=environment or {},
        mounts={pki: f"{_PKI}:ro", **(mounts or {})},
        inputs=[_fingerprint(pki.iterdir())],
        user=f"{os.getuid()}:{os.getgid()}",
    )


def _fingerprint(files: Iterable[Path]) -> str:
    """Changes when a file does, so that its program is started again."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _both(first: Ready, second: Ready) -> Ready:
    return lambda: first() or second()


def _flags(flags: Mapping[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]
