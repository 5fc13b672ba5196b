"""The words in which reports speak of things, the same in the terminal and on the page."""

from __future__ import annotations

from typing import Final

OWNERS: Final = {
    "terraform": "Terraform",
    "cluster-api": "Cluster API",
    "replank": "replank's operator",
    "cloud-provider": "cloud provider",
    "nova": "Nova (in no state)",
    "nobody": "nobody",
    "elsewhere": "something else",
    "unknown": "not known",
}

_PLURALS: Final = {"security group": "security groups", "address": "addresses", "proxy": "proxies"}


def owner_word(owner: str) -> str:
    """An owner as people call it."""
    return OWNERS.get(owner, owner)


def kind_word(kind: str) -> str:
    """A kind of OpenStack resource as people call it: `load_balancer` is a load balancer."""
    words = kind.replace("_", " ").replace("-", " ")
    return words.replace("floating ip", "floating IP")


def plural(noun: str, number: int) -> str:
    """The noun alone, in the number's form."""
    if number == 1:
        return noun
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch")) else f"{noun}s"


def count(number: int, noun: str) -> str:
    """`5 servers`, `1 port`."""
    return f"{number} {plural(noun, number)}"


def listed(words: list[str] | tuple[str, ...]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


_LOWER: Final = {"etcd", "kubeadm", "kubelet", "containerd", "replank"}


def sentence(text: str) -> str:
    """The text as a sentence: a capital first, but for names that are written small, and a full stop."""
    first = text.split(" ", 1)[0].rstrip(",:")
    if first.isalpha() and first not in _LOWER:
        text = text[0].upper() + text[1:]
    return text if not text or text.endswith((".", "!", "?", ":", "`")) else f"{text}."


def printable(text: str) -> str:
    """The text with everything that could steer a terminal or hide on a page spelled out (`\\x1b`).

    Names come from clouds and clusters, where anybody may have chosen them. Line feeds stay.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def short_id(text: str) -> str:
    """The first part of a UUID, enough to tell two apart; other texts as they are."""
    return text[:8] if len(text) == 36 and text[8:9] == "-" else text
