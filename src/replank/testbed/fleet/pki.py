"""Keys and certificates as kubeadm makes them, drawn from the seed.

EC P-256 instead of kubeadm's default RSA 2048: 900 machines' certificates are made in a second. Signatures
are deterministic ECDSA (RFC 6979), so one seed and time gives one world, byte for byte.
Subjects and lifetimes: kubernetes 1.34 cmd/kubeadm/app/phases/certs/certlist.go, constants.go (one year for
leaves, ten for authorities).
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from replank.testbed.fleet.mint import Mint

AGE = timedelta(days=90)
LEAF_LIFE = timedelta(days=365)
CA_LIFE = timedelta(days=3650)
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class KeyPair:
    """PEM texts. `cert` is a certificate, or a public key for a plain key pair."""

    cert: str
    key: str


def ec_key(mint: Mint, *path: object) -> ec.EllipticCurvePrivateKey:
    """A P-256 key for `path`."""
    number = int.from_bytes(mint.digest("ec", *path), "big") % (_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())


def private_pem(mint: Mint, key: ec.EllipticCurvePrivateKey) -> str:
    """The key's PEM; the line that holds the private number is planted, also as Secrets spell it."""
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()
    mint.planted.append(pem.splitlines()[1])
    # A kubeconfig or Secret holds base64 of the whole PEM text; 48 characters within the number's line.
    mint.planted.append(base64.b64encode(pem.encode()).decode()[56:104])
    return pem


def public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """The public half as kubeadm writes sa.pub."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def ssh_key(mint: Mint, *path: object) -> KeyPair:
    """An ed25519 SSH key: private PEM and the `ssh-ed25519 ...` public line.

    PKCS#8, as OpenSSH's own format holds random check bytes and would not be the same twice.
    """
    key = ed25519.Ed25519PrivateKey.from_private_bytes(mint.digest("ssh", *path))
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    mint.planted.append(pem.splitlines()[1])
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return KeyPair(cert=public.decode(), key=pem)


class Authority:
    """A certificate authority. `now`: UTC without tzinfo; it was made 90 days before."""

    def __init__(self, mint: Mint, now: datetime, common_name: str, *path: object) -> None:
        self._mint, self._now, self._path = mint, now, path
        self._key = ec_key(mint, "ca", common_name, *path)
        self._name = _name(common_name)
        self.common_name = common_name
        born = now - AGE
        builder = self._builder(self._name, self._key, "ca", born, born + CA_LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(ca=True), critical=True)
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(common_name)]), critical=False
        )
        self._ski = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        builder = builder.add_extension(self._ski, critical=False)
        self.pair = KeyPair(cert=self._sign(builder), key=private_pem(mint, self._key))

    def issue(
        self,
        common_name: str,
        *path: object,
        organization: str = "",
        sans: Sequence[str] = (),
        server: bool = False,
        client: bool = False,
        not_after: datetime | None = None,
    ) -> KeyPair:
        """A leaf signed by this authority. `sans`: host names and IP addresses, told apart by form."""
        key = ec_key(self._mint, "leaf", self.common_name, common_name, *self._path, *path)
        born = self._now - AGE
        builder = self._builder(
            _name(common_name, organization), key, common_name, born, not_after or born + LEAF_LIFE, *path
        )
        builder = builder.add_extension(_key_usage(ca=False), critical=True)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH] * server + [ExtendedKeyUsageOID.CLIENT_AUTH] * client
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._ski)
        builder = builder.add_extension(authority, critical=False)
        if sans:
            names = [_general_name(san) for san in sans]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return KeyPair(cert=self._sign(builder), key=private_pem(self._mint, key))

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        label: str,
        not_before: datetime,
        not_after: datetime,
        *path: object,
    ) -> x509.CertificateBuilder:
        digest = self._mint.digest("serial", self.common_name, label, *self._path, *path)
        serial = int.from_bytes(digest[:8], "big") >> 1
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(serial | 1)
            .not_valid_before(not_before)
            .not_valid_after(not_after)
        )

    def _sign(self, builder: x509.CertificateBuilder) -> str:
        certificate = builder.sign(self._key, hashes.SHA256(), ecdsa_deterministic=True)
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


def certificate_sha256(pem: str) -> str:
    """Fingerprint of the first certificate's DER form, hexadecimal."""
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex()


def spki_sha256(pem: str) -> str:
    """kubeadm's discovery hash: SHA-256 of the subject public key info."""
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    return digest.finalize().hex()


def _name(common_name: str, organization: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
