"""Values a cloud would draw at random, drawn from the seed and a path instead."""

from __future__ import annotations

import base64
import hashlib
import uuid
from dataclasses import dataclass, field


@dataclass(slots=True)
class Mint:
    """Mints identifiers and secrets. The same seed and path always give the same value.

    `planted`: every secret minted, in all spellings in which it lies in the world.
    """

    seed: int
    planted: list[str] = field(default_factory=list)

    def digest(self, *path: object) -> bytes:
        """32 bytes for `path`."""
        return hashlib.sha256("/".join(str(part) for part in (self.seed, *path)).encode()).digest()

    def uuid(self, *path: object) -> str:
        """A version 4 UUID, as OpenStack and Kubernetes write them."""
        return str(uuid.UUID(bytes=self.digest("uuid", *path)[:16], version=4))

    def hex_id(self, *path: object, length: int = 32) -> str:
        """Hexadecimal text, as Keystone's project IDs."""
        return self.digest("hex", *path).hex()[:length]

    def number(self, *path: object, below: int) -> int:
        """A number from 0 to `below` - 1."""
        return int.from_bytes(self.digest("number", *path)[:8], "big") % below

    def mac(self, *path: object) -> str:
        """A MAC with Neutron's default base fa:16:3e."""
        tail = self.digest("mac", *path)[:3]
        return ":".join(["fa", "16", "3e", *(f"{byte:02x}" for byte in tail)])

    def suffix(self, *path: object, length: int = 5) -> str:
        """A pod name suffix in Kubernetes' alphabet (k8s.io/apimachinery util/rand)."""
        alphabet = "bcdfghjklmnpqrstvwxz2456789"
        return "".join(alphabet[byte % len(alphabet)] for byte in self.digest("suffix", *path)[:length])

    def secret(self, *path: object) -> str:
        """A secret text that is planted: it and its base64 form must never be seen outside the world."""
        text = f"planted-{self.digest('secret', *path).hex()[:28]}"
        self.plant(text)
        return text

    def plant(self, text: str) -> None:
        """Remember `text`, and how Secrets of the API spell it."""
        self.planted.append(text)
        self.planted.append(base64.b64encode(text.encode()).decode())

    def bootstrap_token(self, *path: object) -> tuple[str, str]:
        """ID and secret of a bootstrap token (6 and 16 characters). The secret half is planted."""
        digest = self.digest("bootstrap-token", *path).hex()
        self.plant(digest[6:22])
        return digest[:6], digest[6:22]
