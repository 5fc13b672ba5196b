"""Certificate authorities, certificates and keys as files. What is there and still fits is kept."""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = datetime.timedelta(days=365)
_RENEW = datetime.timedelta(days=30)
"""What has less left is made anew."""

_SECRET, _PUBLIC = 0o600, 0o644


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that was read from its files."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate is for. Kubernetes reads the common name as user, organisations as groups
    (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates)."""

    user: str
    groups: tuple[str, ...] = ()

    @property
    def name(self) -> x509.Name:
        groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in self.groups]
        return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, self.user)])


def ensure_authority(folder: Path, name: str) -> Authority:
    """The authority `<name>.crt`, `<name>.key` in the folder, made where it is missing or soon over."""
    there = _read_pair(folder / f"{name}.crt", folder / f"{name}.key")
    if there is not None and _is_fresh(there[0]):
        return Authority(*there)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"ground {name}")])
    builder = (
        _builder(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    _write_pair(folder / f"{name}.crt", folder / f"{name}.key", certificate, key)
    return Authority(certificate, key)


def ensure_certificate(
    authority: Authority, folder: Path, name: str, subject: Subject, addresses: Sequence[str] = ()
) -> None:
    """`<name>.crt` and `<name>.key` of `subject`: for clients, and servers at `addresses` (names, IPs)."""
    certificate_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    names = [_general_name(address) for address in addresses]
    there = _read_pair(certificate_file, key_file)
    if there is not None and _fits(there[0], authority, subject, names):
        return
    key = ec.generate_private_key(ec.SECP256R1())
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if names else [])]
    builder = (
        _builder(subject.name, authority.certificate.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
        )
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    _write_pair(certificate_file, key_file, builder.sign(authority.key, hashes.SHA256()), key)


def ensure_signing_key(folder: Path, name: str) -> tuple[bytes, bytes]:
    """`<name>.key` and `<name>.pub`, which sign service account tokens. Returns PEM (private, public)."""
    key_file = folder / f"{name}.key"
    key = _read_key(key_file)
    if key is None:
        key = ec.generate_private_key(ec.SECP256R1())
        write(key_file, _pem(key), _SECRET)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write(folder / f"{name}.pub", public, _PUBLIC)
    return _pem(key), public


def write(path: Path, content: bytes, mode: int = _SECRET) -> None:
    """Writes a file whole or not at all, readable by no more people than `mode` says. Equal content stays."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
        stream.write(content)
    fresh.replace(path)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # a machine's clock may be behind
        .not_valid_after(now + _LIFE)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _fits(
    certificate: x509.Certificate, authority: Authority, subject: Subject, names: Sequence[x509.GeneralName]
) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (InvalidSignature, ValueError, TypeError):
        return False
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        listed = list(alternative)
    except x509.ExtensionNotFound:
        listed = []
    return _is_fresh(certificate) and certificate.subject == subject.name and listed == list(names)


def _is_fresh(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC) > _RENEW


def _general_name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _read_pair(
    certificate_file: Path, key_file: Path
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """Certificate and key where both are there and belong together: an interrupted run may mix them up."""
    key = _read_key(key_file)
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if key is None or certificate.public_key() != key.public_key():
        return None
    return certificate, key


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (FileNotFoundError, ValueError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _write_pair(
    certificate_file: Path, key_file: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    write(key_file, _pem(key), _SECRET)
    write(certificate_file, certificate.public_bytes(Encoding.PEM), _PUBLIC)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
