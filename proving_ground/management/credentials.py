"""Who is who in a plane: every program's certificates, tokens and kubeconfig. What still fits is kept."""

from __future__ import annotations

import csv
import io
import secrets
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import yaml

from proving_ground.management import pki
from proving_ground.management.manifests import Deployment
from proving_ground.management.pki import Authority, Subject
from proving_ground.management.plane import ADDRESS, API_SERVER, CONTROLLER_MANAGER, ETCD, Plane

ADMINISTRATOR, ADMINISTRATORS = "ground-admin", "system:masters"
"""Who brings a plane up, and the group that may do everything."""


def ensure(plane: Plane, managers: Mapping[str, Deployment]) -> Authority:
    """All credentials of a plane. Returns the authority that signs servers and clients."""
    kubernetes = pki.ensure_authority(_authorities(plane), "kubernetes")
    etcd = pki.ensure_authority(_authorities(plane), ETCD)
    _etcd(plane, etcd)
    _api_server(plane, kubernetes, etcd)
    _controller_manager(plane, kubernetes)
    _managers(plane, kubernetes, managers)
    user(plane, ADMINISTRATOR, (ADMINISTRATORS,), plane.kubeconfig)
    return kubernetes


def user(plane: Plane, name: str, groups: tuple[str, ...], kubeconfig: Path) -> None:
    """Writes a kubeconfig of one more user, so that the audit log tells what that user wrote.

    `name`: at most 64 characters, the limit of a certificate's common name.
    """
    authority = pki.ensure_authority(_authorities(plane), "kubernetes")
    folder = plane.pki("users")
    pki.ensure_certificate(authority, folder, name, Subject(name, groups))
    client = {
        "client-certificate-data": _inline(folder / f"{name}.crt"),
        "client-key-data": _inline(folder / f"{name}.key"),
    }
    pki.write(kubeconfig, _kubeconfig(plane, authority, name, client))


def administrator(plane: Plane) -> tuple[Path, Path]:
    """The administrator's certificate and key."""
    folder = plane.pki("users")
    return folder / f"{ADMINISTRATOR}.crt", folder / f"{ADMINISTRATOR}.key"


def ca_file(plane: Plane) -> Path:
    """The authority's certificate, to check the API server's with."""
    return _authorities(plane) / "kubernetes.crt"


def _etcd(plane: Plane, authority: Authority) -> None:
    folder = plane.pki(ETCD)
    pki.write(folder / "ca.crt", authority.pem, 0o644)
    pki.ensure_certificate(authority, folder, "tls", Subject("etcd"), [ADDRESS])


def _api_server(plane: Plane, kubernetes: Authority, etcd: Authority) -> None:
    folder = plane.pki(API_SERVER)
    pki.write(folder / "ca.crt", kubernetes.pem, 0o644)
    pki.write(folder / "etcd-ca.crt", etcd.pem, 0o644)
    pki.ensure_certificate(etcd, folder, "etcd", Subject(API_SERVER))
    pki.ensure_certificate(kubernetes, folder, "tls", Subject(API_SERVER), [ADDRESS, "localhost"])
    pki.ensure_signing_key(folder, "service-accounts")


def _controller_manager(plane: Plane, authority: Authority) -> None:
    folder = plane.pki(CONTROLLER_MANAGER)
    pki.write(folder / "ca.crt", authority.pem, 0o644)
    signing, _ = pki.ensure_signing_key(plane.pki(API_SERVER), "service-accounts")
    pki.write(folder / "service-accounts.key", signing)
    pki.ensure_certificate(authority, folder, "tls", Subject(CONTROLLER_MANAGER), [ADDRESS])
    user(plane, f"system:{CONTROLLER_MANAGER}", (), folder / "kubeconfig")


def _managers(plane: Plane, authority: Authority, managers: Mapping[str, Deployment]) -> None:
    """Each manager is its service account, with upstream's RBAC, by a static token: some names are longer
    than a certificate's common name may be (64 characters, RFC 5280 appendix A)."""
    tokens = _tokens(plane, managers)
    for name, deployment in managers.items():
        folder = plane.pki(name)
        pki.ensure_certificate(authority, folder, "tls", Subject(name), [ADDRESS])
        token = {"token": tokens[deployment.user]}
        pki.write(folder / "kubeconfig", _kubeconfig(plane, authority, deployment.user, token))


def _tokens(plane: Plane, managers: Mapping[str, Deployment]) -> dict[str, str]:
    """User -> token, as the API server reads them from `tokens.csv`
    (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file)."""
    file = plane.pki(API_SERVER) / "tokens.csv"
    known = {row[1]: row[0] for row in csv.reader(file.open(newline=""))} if file.exists() else {}
    tokens, text = {}, io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for deployment in managers.values():
        token = tokens[deployment.user] = known.get(deployment.user) or secrets.token_urlsafe(32)
        writer.writerow([token, deployment.user, deployment.user, ",".join(deployment.groups)])
    pki.write(file, text.getvalue().encode())
    return tokens


def _kubeconfig(plane: Plane, authority: Authority, name: str, credential: Mapping[str, str]) -> bytes:
    cluster = f"ground-{plane.name}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster,
                "cluster": {
                    "server": plane.server,
                    "certificate-authority-data": b64encode(authority.pem).decode(),
                },
            }
        ],
        "users": [{"name": name, "user": dict(credential)}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": name}}],
        "current-context": cluster,
    }
    return yaml.safe_dump(document, sort_keys=False).encode()


def _authorities(plane: Plane) -> Path:
    return plane.pki("authorities")


def _inline(file: Path) -> str:
    return b64encode(file.read_bytes()).decode()
