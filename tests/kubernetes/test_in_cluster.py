"""A Pod's way to its own API server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from replank.domain.errors import Refused
from replank.transports.kubernetes.in_cluster import InCluster
from replank.transports.kubernetes.source import opened

POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def account(folder: Path, **files: str) -> Path:
    for name, content in {"token": "t0ken-1", "namespace": "ops\n", **files}.items():
        (folder / name).write_text(content)
    return folder


def authority() -> str:
    """A CA's certificate in PEM form."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def test_only_a_pod_with_a_token_is_in_a_cluster(tmp_path: Path):
    assert InCluster.found(POD, tmp_path) is None
    account(tmp_path)
    assert InCluster.found({}, tmp_path) is None
    found = InCluster.found(POD, tmp_path)
    assert found is not None
    assert (found.server, found.namespace) == ("https://10.96.0.1:443", "ops")
    six = InCluster.found({**POD, "KUBERNETES_SERVICE_HOST": "fd00::1"}, tmp_path)
    assert six is not None
    assert six.server == "https://[fd00::1]:443"


def test_the_token_is_the_one_that_the_kubelet_wrote_last(tmp_path: Path):
    folder = account(tmp_path, **{"ca.crt": authority()})
    source = InCluster(server="https://10.96.0.1:443", folder=folder)
    assert "t0ken-1" not in source.kubeconfig()

    async def work() -> None:
        connection = await opened(source, clock=lambda: datetime.now(UTC), exec_timeout_s=1)
        assert connection.headers_now() == (("Authorization", "Bearer t0ken-1"),)
        (folder / "token").write_text("t0ken-2")
        assert connection.headers_now() == (("Authorization", "Bearer t0ken-2"),)
        assert connection.server == "https://10.96.0.1:443"
        assert connection.tls is not None

    asyncio.run(work())


def test_a_folder_without_a_namespace_is_refused(tmp_path: Path):
    account(tmp_path)
    (tmp_path / "namespace").unlink()
    with pytest.raises(Refused) as caught:
        _ = InCluster(server="https://10.96.0.1:443", folder=tmp_path).namespace
    assert caught.value.code == "RP050"
