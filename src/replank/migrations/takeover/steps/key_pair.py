"""Whether a private key and a certificate (or public key) belong together. Nothing of a key is ever told."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)


def mismatch(public_pem: bytes, private_pem: bytes) -> str:
    """ "" where they belong together, else what is wrong with them. `public_pem`: of a bundle the first."""
    try:
        public = public_key_of(public_pem)
    except (ValueError, UnsupportedAlgorithm):
        return "tls.crt is neither a certificate nor a public key in PEM form"
    try:
        private = load_pem_private_key(private_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # TypeError: it is encrypted.
        return "tls.key is no unencrypted private key in PEM form"
    own = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "" if own == public else "tls.key belongs to another certificate or public key than tls.crt"


def public_key_of(pem: bytes) -> bytes:
    """SubjectPublicKeyInfo (DER) of a certificate or a public key. Raises ValueError."""
    if b"CERTIFICATE" in pem:
        certified = x509.load_pem_x509_certificate(pem).public_key()
        return certified.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return load_pem_public_key(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
