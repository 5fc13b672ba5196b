"""Where the new runtime's programs come from on one node: sent there, or out of a package."""

from __future__ import annotations

from typing import Final

from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.hosts.swap_commands import BUNDLE, package_folder, programs_folder
from replank.inventory.runtime.facts import NodeRuntime, OfferedPackage
from replank.migrations.runtime_swap.node.order import Package
from replank.migrations.runtime_swap.orders import Programs
from replank.migrations.runtime_swap.settings import RuntimeSwapSettings
from replank.plan.model import PlanFinding
from replank.plan.runtime_swap import PlannedPackage

_MOST: Final = 6
"""Versions that are told; Docker's archive has dozens."""


def programs_for(node: NodeRuntime, settings: RuntimeSwapSettings) -> Programs | PlanFinding:
    """The programs, or why the package cannot bring them (RP400)."""
    version, wanted = str(settings.to), settings.package
    if wanted is None:
        return Programs(
            folder=programs_folder(version),
            sha256={file.name: file.sha256 for file in settings.bundle},
        )
    deb = _deb(node, wanted)
    if isinstance(deb, PlanFinding):
        return deb
    folder = package_folder(version, deb.sha256)
    package = Package(name=deb.name, version=deb.version, sha256=deb.sha256, folder=folder, programs=BUNDLE)
    return Programs(folder=folder, sha256={}, package=package)


def _deb(node: NodeRuntime, wanted: PlannedPackage) -> OfferedPackage | PlanFinding:
    """The one .deb of this name and version that the node's apt can fetch."""
    offered = node.offered
    if isinstance(offered, Unknown):
        return _blocker(
            node, offered.unknown, "Make it visible, survey with --runtime and plan again.", unknown=True
        )
    if offered is None:
        return _blocker(node, "it has no apt", "Plan with --bundle: replank fetches packages by apt alone.")
    same = [one for one in offered if (one.name, one.version) == (wanted.name, wanted.version)]
    if not same:
        todo = "Name one of these; or run `apt-get update` there and survey again; or plan with --bundle."
        return _blocker(node, f"apt does not offer {wanted}; {_others(node, wanted, offered)}", todo)
    if len({one.sha256 for one in same}) > 1:
        todo = "Take one of the archives off the node's apt, survey again; or plan with --bundle."
        return _blocker(node, f"apt offers {wanted} more than once, with different content", todo)
    if not same[0].sha256:
        todo = "Plan with --bundle: what cannot be checked is not run."
        return _blocker(node, f"the node's index names no SHA-256 of {wanted}", todo)
    return same[0]


def _others(node: NodeRuntime, wanted: PlannedPackage, offered: tuple[OfferedPackage, ...]) -> str:
    """What the node has and could have instead, in words."""
    found = [f"{one.name}={one.version}" for one in offered]
    # Of the package that was asked for first: its other versions are what is meant most often.
    found.sort(key=lambda told: (told.startswith(f"{wanted.name}="), told), reverse=True)
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    told = f"it offers {', '.join(found[:_MOST])}{more}" if found else "it offers no containerd at all"
    packages = () if isinstance(node.packages, Unknown) else node.packages
    here = [
        f"{package.name} {package.version} is installed{' and held' if package.held else ''}"
        for package in packages
        if package.name == wanted.name
    ]
    return "; ".join((told, *here))


def _blocker(node: NodeRuntime, evidence: str, remedy: str, *, unknown: bool = False) -> PlanFinding:
    return PlanFinding(
        code="RP400",
        severity=Severity.BLOCKER.value,
        subject=f"node {node.node}",
        evidence=(evidence,),
        consequence="The node could not fetch the new runtime's programs, or not those that were planned.",
        remedy=remedy,
        unknown=unknown,
    )
