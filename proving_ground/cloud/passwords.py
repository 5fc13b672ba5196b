"""The cloud's secrets: random for each state folder, in files of mode 0600."""

from __future__ import annotations

import base64
import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proving_ground.cloud.layout import Layout

NAMES = (
    "admin",
    "demo",
    "reader",
    "keystone",
    "nova",
    "placement",
    "glance",
    "neutron",
    "octavia",
    "rabbitmq",
    "octavia_ca",
    "octavia_heartbeat",
)


def ensure(place: Layout) -> dict[str, str]:
    """The passwords by name; made at the first call. `octavia_server_key` has the 32 characters that Octavia
    wants."""
    if not place.passwords.exists():
        made = {name: secrets.token_hex(16) for name in (*NAMES, "octavia_server_key")}
        write_private(place.passwords, json.dumps(made, indent=1))
    return {str(name): str(value) for name, value in json.loads(place.passwords.read_text()).items()}


def ensure_keys(place: Layout, passwords: dict[str, str]) -> None:
    """Keystone's key repositories, and the authority of Octavia's (never used, but always made)
    certificates."""
    for repository in ("fernet", "credential"):
        for number in ("0", "1"):
            file = place.state / "keystone" / repository / number
            if (
                not file.exists()
            ):  # the form of `keystone-manage fernet_setup`, without starting Keystone for it
                write_private(file, base64.urlsafe_b64encode(os.urandom(32)).decode())
    if not (place.state / "octavia" / "client.pem").exists():
        _write_authority(place.state / "octavia", passwords["octavia_ca"].encode())


def write_private(path: Path, text: str) -> None:
    """Writes at once, readable by the owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def _write_authority(folder: Path, passphrase: bytes) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ground-octavia")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    ).decode()
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    write_private(folder / "ca.key", encrypted)
    write_private(folder / "ca.pem", public)
    write_private(folder / "client.pem", encrypted + public)
