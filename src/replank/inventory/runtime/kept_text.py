"""Files that a swap changes are kept with their text, unless they hold a secret."""

from __future__ import annotations

import re
from typing import Final

from replank.domain.errors import Refused
from replank.inventory.hosts.document import load_mapping
from replank.inventory.hosts.kubelet import SECRET_KEYS
from replank.inventory.runtime.facts import TextFile
from replank.inventory.runtime.withheld import named_like_a_secret

_LOGIN: Final = re.compile(r"://[^/\s\"']*@")
# Looked at from every word (dashes before it are a flag's), since `Environment="TOKEN=x"` is two assignments
# in one; `--token x` is one, too.
_ASSIGNED: Final = re.compile(
    r"(?<![A-Za-z0-9_.])(?<![A-Za-z0-9_.]-)(?=([A-Za-z][A-Za-z0-9_.-]*)[\"']?\s*[=:]\s*[\"']?([^\s\"',]+))"
    r"|--([a-z][a-z0-9-]*) +([^\s\"'-][^\s\"']*)"
)
_HARMLESS: Final = frozenset(
    {
        *("authentication-token-webhook", "authentication-token-webhook-cache-ttl", "tls-private-key-file"),
        *("image-credential-provider-config", "image-credential-provider-bin-dir", "tlsPrivateKeyFile"),
    }
)
"""Flags and keys of the kubelet that are named like secrets and hold paths, durations or switches."""


def text_file(path: str, text: str, mode: str) -> TextFile:
    """The file with its text, or why that is not kept. `mode`: octal."""
    why = _why_not(path, text)
    return TextFile(path=path, text=None if why else text, mode=mode, why_not=why)


def holds_secret(text: str) -> bool:
    """Whether something in a file looks like a login, a password or a token."""
    assigned = ((a or b, x or y) for a, x, b, y in _ASSIGNED.findall(text))
    secret = any(
        named_like_a_secret(name) and name not in _HARMLESS and not value.startswith("/")
        for name, value in assigned
    )
    return secret or _LOGIN.search(text) is not None


def _why_not(path: str, text: str) -> str:
    if not path.endswith((".yaml", ".yml")):
        return "it holds a value that looks like a secret" if holds_secret(text) else ""
    try:
        document = load_mapping(text, code="RP087", where=path)
    except Refused:
        return "it is no YAML that replank understands"
    if set(document) & SECRET_KEYS:
        return f"it holds {', '.join(sorted(set(document) & SECRET_KEYS))}, which may be a secret"
    return "it holds a login in a URL" if _LOGIN.search(text) else ""
