"""The kubeconfig by which Cluster API reaches the workload cluster: made, and judged.

As cluster-api v1.14.0 makes them (util/kubeconfig/kubeconfig.go): user kubernetes-admin of system:masters,
one year, the cluster called as the Cluster. Another name makes KCP stop with a panic when it renews one of
its own type (facts, trap 8.10). Keys are ECDSA P-256, one of those that v1.14.0 makes itself.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from replank.domain.errors import Refused
from replank.inventory.kubeconfig import KubeconfigEntry, embedded, select_context
from replank.migrations.takeover.steps.key_pair import mismatch

_YEAR: Final = timedelta(days=365)
_SKEW: Final = timedelta(minutes=5)
USER: Final = "kubernetes-admin"
GROUP: Final = "system:masters"

SigningKey = (
    rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAuthority:
    """The workload cluster's CA, read from a control plane."""

    certificate: x509.Certificate
    key: SigningKey = field(repr=False)

    @classmethod
    def of(cls, certificate_pem: bytes, key_pem: bytes) -> ClusterAuthority:
        """From ca.crt and ca.key. Raises `Refused` RP880 for what cannot sign."""
        if problem := mismatch(certificate_pem, key_pem):
            raise _no_authority(problem.replace("tls.crt", "ca.crt").replace("tls.key", "ca.key"))
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
        except ValueError as error:
            raise _no_authority("ca.crt is no certificate in PEM form") from error
        key = load_pem_private_key(key_pem, password=None)
        if not isinstance(key, SigningKey):
            raise _no_authority("ca.key is of a kind that signs no certificates")
        return cls(certificate=certificate, key=key)


def made(authority: ClusterAuthority, *, cluster: str, endpoint: str, now: float) -> bytes:
    """A new kubeconfig. `endpoint`: `host:port`. `now`: seconds since 1970."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _signed(authority, key, datetime.fromtimestamp(now, UTC))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    user = f"{cluster}-admin"
    context = f"{user}@{cluster}"
    return f"""\
apiVersion: v1
kind: Config
clusters:
- name: {cluster}
  cluster:
    server: {json.dumps(f"https://{endpoint}")}
    certificate-authority-data: {_base64(authority.certificate.public_bytes(Encoding.PEM))}
users:
- name: {user}
  user:
    client-certificate-data: {_base64(certificate.public_bytes(Encoding.PEM))}
    client-key-data: {_base64(private)}
contexts:
- name: {context}
  context:
    cluster: {cluster}
    user: {user}
current-context: {context}
preferences: {{}}
""".encode()


def unfit(kubeconfig: bytes, authority: ClusterAuthority, *, cluster: str, endpoint: str, now: float) -> str:
    """ "" where it is one that `made` could have made and that has not expired, else why not."""
    try:
        entry = select_context(kubeconfig.decode(), where="the Secret's kubeconfig")
        certificate_pem = embedded(entry, "client-certificate-data").encode()
        key_pem = embedded(entry, "client-key-data").encode()
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        certificate.verify_directly_issued_by(authority.certificate)
    except Refused as error:
        return error.why
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        # UnicodeDecodeError is a ValueError.
        return "its client certificate is not one that the cluster's CA has signed"
    if entry.cluster_name != cluster:
        return f"it calls the cluster {entry.cluster_name!r}, Cluster API calls it {cluster!r}"
    if entry.server != f"https://{endpoint}":
        return f"it names the server {entry.server}, the plan says https://{endpoint}"
    if not _trusts(entry, authority):
        return "it does not trust the cluster's CA"
    if certificate.not_valid_after_utc <= datetime.fromtimestamp(now, UTC):
        return "its client certificate has expired"
    return "its client key belongs to another certificate" if mismatch(certificate_pem, key_pem) else ""


def _signed(authority: ClusterAuthority, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    issuer = authority.certificate
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, GROUP),
            x509.NameAttribute(NameOID.COMMON_NAME, USER),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    not_before = max(now - _SKEW, issuer.not_valid_before_utc)
    not_after = min(now + _YEAR, issuer.not_valid_after_utc)
    if not_after <= not_before:
        raise _no_authority(f"ca.crt has expired on {issuer.not_valid_after_utc:%Y-%m-%d}")
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    edwards = isinstance(authority.key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return builder.sign(authority.key, None if edwards else hashes.SHA256())


def _trusts(entry: KubeconfigEntry, authority: ClusterAuthority) -> bool:
    try:
        pem = base64.b64decode(entry.cluster_text("certificate-authority-data"), validate=True)
        return authority.certificate in x509.load_pem_x509_certificates(pem)
    except ValueError:
        return False


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _no_authority(why: str) -> Refused:
    return Refused(
        "RP880",
        "The cluster's CA cannot sign a kubeconfig",
        why,
        "Look at ca.crt and ca.key on the control plane that the plan names; without them KCP could not run "
        "this cluster either.",
    )
