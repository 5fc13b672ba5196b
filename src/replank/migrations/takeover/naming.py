"""Names of Kubernetes objects: what is allowed, and how long ones are cut.

Rules: k8s.io/apimachinery pkg/util/validation (DNS-1123 label 63 characters, subdomain 253, label value 63).
Cluster API writes object names into label values, so 63 is the limit for most of what is planned here.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from replank.plan.slug import LABEL_LIMIT, limited, slug

SUBDOMAIN_LIMIT: Final = 253
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def is_dns_label(name: str) -> bool:
    """True for a DNS-1123 label."""
    return len(name) <= LABEL_LIMIT and _LABEL.fullmatch(name) is not None


def is_dns_subdomain(name: str) -> bool:
    """True for a DNS-1123 subdomain, what an OpenStackMachine may be called."""
    return len(name) <= SUBDOMAIN_LIMIT and _SUBDOMAIN.fullmatch(name) is not None


def slug_of(text: str) -> str:
    """`slug`, or a hash where nothing of the text is left of it."""
    return slug(text) or sha256(text.encode()).hexdigest()[:8]


def server_object_name(name: str) -> str:
    """The name of the objects that stand for a server. CAPO looks the server up by exactly this name."""
    return name if is_dns_subdomain(name) else limited(slug(name) or "server")
