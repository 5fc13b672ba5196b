"""What the runtime's packages hang on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from replank.audit.finding import AuditSettings
from replank.audit.rule import Sighting, seen, some, unseen
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import Package
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.hosts.runtime_commands import CONTAINERD_PACKAGES
from replank.migrations.runtime_swap.checks.book import rule
from replank.migrations.runtime_swap.checks.look import each, name_of

_DOCKERS: Final = ("docker-ce", "docker.io", "docker-engine", "moby-engine")


@rule(
    "RP489",
    Severity.NOTE,
    consequence="Installing another version of that package would restart the daemon that Docker runs on; "
    "removing it would take Docker along. So the swap installs no package, also with --package: the new "
    "containerd's programs are put beside it, and it stays as it is, hold and all.",
    remedy="Keep apt from changing it until the commit (a hold; unattended-upgrades). Who removes Docker "
    "later looks first at what apt would take along.",
)
def docker_runs_on_a_packages_containerd(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Nodes where Docker's package stands on a package of containerd."""
    for node, packages in each(snapshot, lambda node: node.packages):
        if isinstance(packages, Unknown):
            yield unseen(name_of(node), packages)
            continue
        dockers = [_words(package) for package in packages if package.name in _DOCKERS]
        below = [_words(package) for package in packages if package.name in CONTAINERD_PACKAGES]
        if dockers and below:
            yield seen(name_of(node), *some([f"{' and '.join(dockers)} on {' and '.join(below)}"]))


def _words(package: Package) -> str:
    return f"{package.name} {package.version}{' (held)' if package.held else ''}"
