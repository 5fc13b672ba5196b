"""Whether a CNI's daemon asks the runtime itself, by version.

amazon-vpc-cni-k8s: up to 1.5 Docker's socket; 1.6 the CRI; 1.7 to 1.11 the CRI, and it writes what it holds
into a file as well; from 1.12 on only the file (/var/run/aws-node/ipam.json; its CHANGELOG and
pkg/ipamd/datastore). Up to 1.11 it takes /var/run/cri.sock if that is there, else /var/run/dockershim.sock.
"""

from __future__ import annotations

from typing import Final, Literal

from replank.inventory.runtime.versions import parse_version

Need = Literal["docker", "cri", "none", "unknown"]
_FILE_SINCE: Final = (1, 12)
_CRI_SINCE: Final = (1, 6)


def socket_need(name: str, version: str) -> Need:
    """What the daemon asks while it runs: Docker's API, the CRI by a mounted socket, or nothing.

    `unknown`: amazon-vpc-cni of a version that its image does not tell. All other CNIs that replank knows
    keep their addresses in the API or in files.
    """
    if name != "amazon-vpc-cni":
        return "none"
    known = parse_version(version)
    if known is None:
        return "unknown"
    if known.line >= _FILE_SINCE:
        return "none"
    return "cri" if known.line >= _CRI_SINCE else "docker"
