"""The members of a cluster's etcd, asked on one of its machines."""

from __future__ import annotations

import json
from collections.abc import Iterable

from proving_ground.errors import GroundError
from proving_ground.legacy import create, ssh
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.settings import Folders

LIST = (
    "sudo curl -sS --max-time 5 --cacert /etc/kubernetes/pki/etcd/ca.crt "
    "--cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key "
    "-d '{}' https://127.0.0.1:2379/v3/cluster/member/list"
)


def members(folders: Folders, cluster: LegacyCluster, addresses: Iterable[str]) -> dict[str, bool]:
    """Name -> whether it votes, as the first of the machines says that answers. Empty where none does."""
    known = create.known_hosts(folders, cluster)
    for address in addresses:
        try:
            said = ssh.run(folders, known, address, LIST, limit_s=20)
        except GroundError:
            continue  # it is on its way in or out
        found = json.loads(said or b"{}").get("members", ())
        if found:
            return {one.get("name", ""): not one.get("isLearner", False) for one in found}
    return {}
