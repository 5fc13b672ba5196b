"""X.509 certificates on disk: what they are called, for whom, until when. Never a key."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import warnings
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.utils import CryptographyDeprecationWarning

from replank.domain.errors import Refused
from replank.inventory.facts.hosts import CertificateFile

CODE: Final = "RP086"
_BLOCK = re.compile(
    r"-----BEGIN CERTIFICATE-----\s*([A-Za-z0-9+/=\s]*?)-----END CERTIFICATE-----", flags=re.ASCII
)
_DATA_LINE = re.compile(r"^[\s-]*client-certificate-data:\s*[\"']?([A-Za-z0-9+/=]*)[\"']?\s*$", flags=re.M)
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"


def parse_certificates(text: str, *, path: str) -> tuple[CertificateFile, ...]:
    """All certificates of a PEM file, in its order (the first is the leaf); () if it holds none.

    Raises `Refused` RP086 for a damaged one.
    """
    blocks = _BLOCK.findall(text)
    if len(blocks) != text.count(_BEGIN):
        raise _broken(path, "a certificate in it is cut off or holds foreign characters")
    return tuple(_certificate(block, path) for block in blocks)


def parse_kubeconfig_certificates(text: str, *, path: str) -> tuple[CertificateFile, ...]:
    """The client certificates in a kubeconfig's `client-certificate-data` lines.

    Raises `Refused` RP086.
    """
    lines = _DATA_LINE.findall(text)
    if len(lines) != text.count("client-certificate-data:"):
        raise _broken(path, "a client-certificate-data line is not base64")
    found: list[CertificateFile] = []
    for line in lines:
        try:
            pem = base64.b64decode(line, validate=True).decode("ascii")
        except (binascii.Error, ValueError) as error:
            raise _broken(path, "a client-certificate-data line is not base64") from error
        found.extend(parse_certificates(pem, path=path))
    return tuple(found)


def _certificate(block: str, path: str) -> CertificateFile:
    try:
        with warnings.catch_warnings():
            # The CA of an old kubeadm has serial number 0, of which cryptography warns on stderr.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            der = base64.b64decode("".join(block.split()), validate=True)
            certificate = x509.load_der_x509_certificate(der)
        names = _alternative_names(certificate)
        return CertificateFile(
            path=path,
            sha256=certificate.fingerprint(SHA256()).hex(),
            subject=certificate.subject.rfc4514_string(),
            issuer=certificate.issuer.rfc4514_string(),
            not_before=_rfc3339(certificate.not_valid_before_utc),
            not_after=_rfc3339(certificate.not_valid_after_utc),
            is_ca=_is_ca(certificate),
            dns_names=tuple(sorted(names.get_values_for_type(x509.DNSName))) if names else (),
            ip_addresses=_addresses(names),
        )
    except (ValueError, binascii.Error, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise _broken(path, "a certificate in it is not valid DER") from error
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise _broken(path, "a certificate's extensions cannot be read") from error


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _addresses(names: x509.SubjectAlternativeName | None) -> tuple[str, ...]:
    if names is None:
        return ()
    addresses = names.get_values_for_type(x509.IPAddress)
    single = [a for a in addresses if isinstance(a, ipaddress.IPv4Address | ipaddress.IPv6Address)]
    return tuple(sorted(map(str, single)))


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _broken(path: str, why: str) -> Refused:
    return Refused(
        CODE,
        f"A certificate in {path} on the machine cannot be read",
        why,
        "Look at it with `openssl x509 -noout -text -in FILE`; a component that needs it will not restart.",
    )
