"""The operator's SSH key: a file below the state folder, and the keypair `operator` in Nova."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proving_ground.cloud import connect
from proving_ground.settings import Folders

KEYPAIR = "operator"


def ensure(folders: Folders) -> None:
    """Makes the key where it is missing, and the keypair where Nova has none or another one."""
    private, public = folders.ssh_key, folders.ssh_key.with_suffix(".pub")
    if not private.exists():
        _generate(folders)
    wanted = public.read_text().strip()
    with connect(folders) as cloud:
        found = cloud.compute.find_keypair(KEYPAIR)
        if found is not None and found.public_key.strip() != wanted:
            cloud.compute.delete_keypair(found)
            found = None
        if found is None:
            cloud.compute.create_keypair(name=KEYPAIR, public_key=wanted)


def _generate(folders: Folders) -> None:
    key = Ed25519PrivateKey.generate()
    folders.ssh_key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    folders.ssh_key.with_suffix(".pub").write_bytes(public + b" operator@ground\n")
    fresh = folders.ssh_key.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
    )
    fresh.replace(folders.ssh_key)
