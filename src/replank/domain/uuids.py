"""UUIDs as OpenStack, the kubelet and machines write them.

Nova writes them with dashes in lower case, DMI of some firmwares in capitals, /etc/machine-id without dashes
(machine-id(5)). Bytes in another order (VMware) are another UUID here.
"""

from __future__ import annotations


def plain_uuid(text: str) -> str:
    """`text` in lower case and without dashes: the same for each way to write one UUID."""
    return text.replace("-", "").lower()


def same_uuid(one: str, other: str) -> bool:
    """True if both are one UUID, however they are written."""
    return plain_uuid(one) == plain_uuid(other)
