"""Names made from texts: what is allowed, and how long ones are cut.

Rules: k8s.io/apimachinery pkg/util/validation (DNS-1123 label 63 characters).
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

LABEL_LIMIT: Final = 63


def slug(text: str) -> str:
    """`text` as a DNS-1123 label without a limit of length: lower case, everything else becomes a dash."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def limited(name: str, limit: int = LABEL_LIMIT) -> str:
    """`name`, cut to `limit` characters if need be: the end becomes a hash of the whole, so it stays
    unique.
    """
    if len(name) <= limit:
        return name
    digest = sha256(name.encode()).hexdigest()[:8]
    return f"{name[: limit - 9].rstrip('-.')}-{digest}"
