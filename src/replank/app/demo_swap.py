"""The demo's runtime swaps: containerd 1.7 to 2.3 under running pods, and Docker to containerd; both back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from replank.app.cli import EXIT_ERROR, EXIT_OK
from replank.app.demo_run import replank, say
from replank.app.demo_seen import Seen
from replank.app.demo_wiring import demo_wiring

if TYPE_CHECKING:
    from replank.app.wiring import Wiring
    from replank.testbed.twin import Twin

_IN_PLACE, _ON_DOCKER = "plain", "on-docker"
_VERSION: Final = "2.3.5"
_NEW: Final = f"containerd://{_VERSION}"


def swap_runtimes(twin: Twin, files: Path) -> int:
    """A surveyed cluster gets a newer containerd, and its old one back. Exit status."""
    from replank.testbed.node.bundle import write_bundle
    from replank.testbed.nodes import start_nodes

    start_nodes(twin, _IN_PLACE, files / "nodes")
    bundle = write_bundle(files / f"containerd-{_VERSION}", _VERSION)
    say(
        f"The container runtime under running pods. The nodes of {_IN_PLACE} are simulated, file by file, in "
        f"{files / 'nodes'}; on each of them works the file that replank puts there, as on a real one. "
        f"{bundle} holds stand-ins for containerd's programs: nothing here runs a container.\n"
    )
    if not (_done("audit", "runtime", _IN_PLACE, *_where(files)) and _planned(files, _IN_PLACE, bundle)):
        return EXIT_ERROR
    seen = _swapped_and_back(files, _IN_PLACE, demo_wiring(twin))
    if seen is None or not _nothing_differs(files):
        return EXIT_ERROR
    before, swapped, after = seen
    kept = before.containers == swapped.containers == after.containers
    return _told(files, kept and swapped.all_on(_NEW) and before.runtimes == after.runtimes)


def switch_from_docker(seed: int, files: Path) -> int:
    """A cluster of its own, on Docker: its log agent is mended, its nodes switched, and back. Exit status."""
    from replank.testbed.fleet.demo import docker_world
    from replank.testbed.node.bundle import write_bundle
    from replank.testbed.nodes import start_nodes
    from replank.testbed.twin import Twin

    files.mkdir(mode=0o700)
    with Twin(docker_world(seed), files) as twin:
        start_nodes(twin, _ON_DOCKER, files / "nodes")
        say(
            "Docker to containerd, on another cluster: its workers run Docker with cri-dockerd, and its log "
            "agent reads Docker's lines only. Nobody in the twin makes evicted pods anew: hence --no-drain.\n"
        )
        bundle = write_bundle(files / f"containerd-{_VERSION}", _VERSION)
        if not (_mended(files) and _planned(files, _ON_DOCKER, bundle, "--no-drain")):
            return EXIT_ERROR
        seen = _swapped_and_back(files, _ON_DOCKER, demo_wiring(twin))
    if seen is None:
        return EXIT_ERROR
    before, swapped, after = seen
    once = swapped.restarts == len(swapped.containers) - swapped.same_as(before)
    there = len(before.containers) == len(swapped.containers) == len(after.containers)
    return _told(files, once and there and swapped.all_on(_NEW) and before.runtimes == after.runtimes)


def _mended(files: Path) -> bool:
    """Survey, audit, the log agent's remedy, and another survey. False: one of them failed."""
    return (
        _done("survey", "--runtime", *_where(files))
        and _done("audit", "runtime", *_where(files), "--fail-on", "never")
        and _done("remedy", _ON_DOCKER, "--apply", "--yes", *_where(files)[:2])
        and _done("survey", "--runtime", *_where(files))
    )


def _planned(files: Path, cluster: str, bundle: Path, *more: str) -> bool:
    to = ["--to", f"containerd-{_VERSION}", "--bundle", str(bundle)]
    out = ["--out", str(files / "plans")]
    return _done("plan", "runtime", cluster, *to, *more, *_where(files), *out) and _done(
        "show", _plan(files, cluster)
    )


def _swapped_and_back(files: Path, cluster: str, wiring: Wiring) -> tuple[Seen, Seen, Seen] | None:
    """What the cluster's API told before, after the swap, and after its undo. None: a command failed."""
    before = Seen.now(files / "fleet.yaml", cluster)
    say(f"The API tells before: {before}.\n")
    fleet, reports = _where(files)[:2], ["--reports", str(files / "reports-swap")]
    if replank("apply", _plan(files, cluster), "--yes", *fleet, *reports, wiring=wiring) != EXIT_OK:
        return None
    swapped = Seen.now(files / "fleet.yaml", cluster)
    say(f"The API tells now: {swapped}; {swapped.same_as(before)} containers are as before.\n")
    reports = ["--reports", str(files / "reports-swap-after-undo")]
    if replank("undo", cluster, "--yes", *fleet, *reports, wiring=wiring) != EXIT_OK:
        return None
    after = Seen.now(files / "fleet.yaml", cluster)
    say(f"The API tells after the undo: {after}; {after.same_as(before)} containers are as before.\n")
    return before, swapped, after


def _nothing_differs(files: Path) -> bool:
    """Surveys once more and compares: what the first survey saw is there again, down to the nodes' files."""
    if not _done("survey", "--runtime", _IN_PLACE, *_where(files)):
        return False
    taken = sorted((files / "snapshots" / _IN_PLACE).iterdir())
    return _done("diff", str(taken[0]), str(taken[-1]))


def _told(files: Path, as_said: bool) -> int:
    for page in sorted((files / "reports-swap").glob("*.html")):
        say(f"The runtime swap, before it was undone: open {page}\n")
    if not as_said:
        say("What the API tells is not what a swap and its undo leave: that is a bug of replank. Report it.")
    return EXIT_OK if as_said else EXIT_ERROR


def _done(*words: str) -> bool:
    return replank(*words) == EXIT_OK


def _plan(files: Path, cluster: str) -> str:
    return str(files / "plans" / f"{cluster}.runtime.yaml")


def _where(files: Path) -> tuple[str, ...]:
    return ("--fleet", str(files / "fleet.yaml"), "--snapshots", str(files / "snapshots"))
