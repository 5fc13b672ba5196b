"""A server certificate out of PEM texts."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path


def load_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Gives `context` the certificate, by way of private files: the ssl module reads keys from files."""
    with tempfile.TemporaryDirectory() as name:
        certificate_file, key_file = Path(name, "cert.pem"), Path(name, "key.pem")
        certificate_file.write_text(certificate)
        key_file.touch(mode=0o600)
        key_file.write_text(key)
        context.load_cert_chain(certificate_file, key_file)
