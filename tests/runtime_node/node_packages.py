"""The two nodes again, with programs that come out of a package."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from node_plans import NEW, put_plan
from node_runs import Runs

from replank.inventory.hosts.swap_commands import BUNDLE
from replank.testbed.node.bundle import stand_in_deb

Make = Callable[[str], Runs]
WANTED = f"containerd.io={NEW}-1~debian.12~bookworm"
DEB = stand_in_deb(NEW, (*BUNDLE, "runc"))
HELD = {"containerd.io": "hi 1.7.29-1~debian.12~bookworm", "docker-ce": "ii 5:28.5.2-1"}


def packaged(runs: Make) -> Make:
    """Makes nodes whose plan has the programs fetched by apt, and whose own package is on hold."""

    def make(strategy: str) -> Runs:
        node = runs(strategy)
        digest = hashlib.sha256(DEB).hexdigest()
        folder = node.world.path(f"opt/replank/containerd-{NEW}-deb-{digest[:12]}")
        name, _, version = WANTED.partition("=")
        node.world.debs, node.world.dpkg = {WANTED: DEB}, dict(HELD)
        node.plan["package"] = {
            "name": name,
            "version": version,
            "sha256": digest,
            "folder": str(folder),
            "programs": list(BUNDLE),
            "optional": ["runc"] if strategy == "switch" else [],
        }
        node.plan["binaries"] = []
        node.plan["containerd"]["daemon"] = str(folder / "containerd")
        put_plan(node.world, node.plan)
        return node

    return make


def assert_nothing_left(node: Runs) -> None:
    """As before the staging, and nothing of the package is on the node; dpkg was never asked for anything."""
    node.assert_undone()
    assert not (node.base / "package").exists()
    assert not list(node.world.path("opt").glob("replank/containerd-*"))
    assert_dpkg_untouched(node)


def assert_dpkg_untouched(node: Runs) -> None:
    assert node.world.dpkg == HELD
    asked = [line for line in node.world.spawned if "apt" in line or "dpkg" in line]
    assert all(" download " in line or line.startswith("dpkg-deb -x ") for line in asked), asked
