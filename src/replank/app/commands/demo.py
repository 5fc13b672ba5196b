"""`replank demo`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from replank.app.cli import EXIT_ATTENTION, EXIT_ERROR, EXIT_OK
from replank.app.console import err
from replank.app.demo_run import replank, say
from replank.domain.errors import Refused

if TYPE_CHECKING:
    from replank.testbed.twin import Twin

_MARK = ".replank-demo"
_TAKEN = "plain"
"""The healthy one."""


@click.command("demo")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("replank-demo"),
    show_default=True,
    help="Where the demo keeps its files. Emptied first, if an earlier demo made it.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The world is made from this number.")
@click.option(
    "--crds",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Validate the manifests against the CustomResourceDefinitions in this folder.",
)
@click.option("--until-plan", is_flag=True, help="Stop after the plans; take no cluster over, swap nothing.")
def command(folder: Path, seed: int, crds: Path | None, until_plan: bool) -> int:
    """Run init, survey, audit, plan, apply, report and undo on an embedded legacy fleet, for both migrations.

    The fleet is a twin: three clusters that answer as OpenStack, Kubernetes and SSH would, over the wire, to
    the same client libraries. One is healthy, one has several worker groups and encryption at rest, one is
    flawed on purpose. Cluster API's controllers are a simulation at work on the twin's API server. The
    healthy one is taken over and given back. Then its nodes, simulated too, get containerd 2.3 for 1.7 under
    their pods, and those of another cluster get it for Docker; both get their old runtime back.
    """
    try:
        from replank.testbed.fleet.demo import demo_world
        from replank.testbed.twin import Twin
    except ModuleNotFoundError as error:
        raise Refused(
            "RP090",
            "The demo's servers are not installed",
            f"the module {error.name} is missing",
            "Install them with: pip install 'replank[demo]'",
        ) from error

    _empty(folder)
    files = folder.absolute()
    with Twin(demo_world(seed), files) as twin:
        err().print(
            f"A legacy fleet is up: {', '.join(c.name for c in twin.world.clusters)} (seed {seed}).\n"
        )
        status = _main_job(files, crds)
        return status if status != EXIT_OK or until_plan else _migrations(twin, files, seed)


def _main_job(files: Path, crds: Path | None) -> int:
    fleet, snapshots, plans = files / "fleet.yaml", files / "snapshots", files / "plans"
    common = ["--fleet", str(fleet), "--snapshots", str(snapshots)]
    err().print("What init finds by itself; the fleet.yaml beside it adds how to reach the twin.")
    if replank("init", "--from", str(files), "--out", str(files / "fleet.drafted.yaml")) != EXIT_OK:
        return EXIT_ERROR
    status = replank("survey", "--runtime", *common)
    if status not in (EXIT_OK, EXIT_ATTENTION):
        return EXIT_ERROR
    replank("audit", *common, "--fail-on", "never")
    against = ["--crds", str(crds)] if crds else []
    if replank("plan", "takeover", *common, "--out", str(plans), *against) == EXIT_ERROR:
        return EXIT_ERROR
    pages = []
    for plan in sorted(plans.glob("*.takeover.yaml")):
        page = files / "pages" / f"{plan.name.removesuffix('.takeover.yaml')}.html"
        if replank("show", str(plan), "--html", str(page)) != EXIT_OK:
            return EXIT_ERROR
        pages.append(page)
    _index(files, plans)
    err().print(
        f"\nOpen {files / 'pages' / 'index.html'} in a browser: a page for each of {len(pages)} plans."
    )
    err().print(f"Everything lies in {files}.")
    return EXIT_OK


def _migrations(twin: Twin, files: Path, seed: int) -> int:
    """Takes the healthy cluster over and gives it back; then swaps runtimes, and back."""
    from replank.app.demo_swap import swap_runtimes, switch_from_docker

    status = _takeover(twin, files)
    if status == EXIT_OK:
        status = swap_runtimes(twin, files)
    return status if status != EXIT_OK else switch_from_docker(seed, files / "on-docker")


def _takeover(twin: Twin, files: Path) -> int:
    """Takes the healthy cluster over, reports it, and gives it back."""
    from replank.app.demo_operator import Operator
    from replank.app.demo_wiring import demo_wiring
    from replank.app.journals import journal_url
    from replank.testbed.controlled import start_controllers

    plan, reports = str(files / "plans" / f"{_TAKEN}.takeover.yaml"), files / "reports"
    fleet = ["--fleet", str(files / "fleet.yaml")]
    wiring = demo_wiring(twin)

    def tell(text: str) -> None:
        err().print(f"  -- {text}", style="magenta", markup=False, highlight=False)

    start_controllers(twin, _TAKEN, tell)
    if replank("approve", plan, "--yes", *fleet, wiring=wiring) != EXIT_OK:
        return EXIT_ERROR
    with Operator(journal_url(None, files / "fleet.yaml", make=True), _TAKEN, tell):
        # The demo needs no Go: replank's own comparison judges.
        apply = ["apply", plan, "--yes", "--judged-by-replank", *fleet, "--reports", str(reports)]
        if replank(*apply, wiring=wiring) != EXIT_OK:
            return EXIT_ERROR
        replank("status", _TAKEN, *fleet, wiring=wiring)
        back = ["--reports", str(files / "reports-after-undo")]
        if replank("undo", _TAKEN, "--yes", *fleet, *back, wiring=wiring) != EXIT_OK:
            return EXIT_ERROR
    for page in sorted(reports.glob("*.html")):
        say(f"The takeover, before it was undone: open {page}\n")
    return EXIT_OK


def _index(files: Path, plans: Path) -> None:
    from replank.app.store import read_file, write_private
    from replank.plan import codec
    from replank.plan.takeover import takeover_of
    from replank.report.html.page import render_index

    loaded = [
        takeover_of(codec.load(read_file(path, what="The plan"), where=str(path)), "page")
        for path in sorted(plans.glob("*.takeover.yaml"))
    ]
    write_private(files / "pages" / "index.html", render_index(loaded).encode())


def _empty(folder: Path) -> None:
    """A demo removes only what a demo made."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARK).exists():
            raise Refused(
                "RP091",
                "The demo's folder holds other files",
                "the demo empties its folder first, and did not make this one",
                "Name another folder with --dir.",
                where=str(folder),
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / _MARK).touch()
