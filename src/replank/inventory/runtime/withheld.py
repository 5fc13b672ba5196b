"""What is never kept: credentials in URLs, and values whose meaning replank does not know.

A value that was dropped is replaced by `WITHHELD`, and its path is listed beside the tree, so that nobody
takes the marker for a setting.
"""

from __future__ import annotations

import re
from typing import Final

WITHHELD: Final = "(withheld)"

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://", re.ASCII)
_SECRET_NAME: Final = re.compile(
    r"pass(word|wd)?|secret|token|credential|api[-_.]?key|access[-_.]?key|private[-_.]?key|^auths?$|signature",
    flags=re.IGNORECASE,
)


def without_login(url: str) -> tuple[str, bool]:
    """`url` without user, password, query and fragment, and whether there were any.

    Works for `host:port` without a scheme, too. The last `@` ends the login (RFC 3986 3.2.1 lets no other one
    in), so that a password with a stray `/` or `@` cannot stay behind.
    """
    scheme = _SCHEME.match(url)
    head = scheme[0] if scheme else ""
    kept = url[len(head) :].rpartition("@")[2]
    clean = head + re.split(r"[?#]", kept, maxsplit=1)[0]
    return clean, clean != url


def named_like_a_secret(name: str) -> bool:
    """True if a setting of this name is not to be shown, whatever it is."""
    return _SECRET_NAME.search(name) is not None
