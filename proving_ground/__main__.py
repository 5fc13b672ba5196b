"""`python -m proving_ground`: one command up, one command down, and what lies between."""

from __future__ import annotations

import json
import sys
from typing import Literal

import click
from rich.console import Console

from proving_ground.errors import GroundError
from proving_ground.progress import Progress
from proving_ground.settings import folders


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """A real small platform on one machine: OpenStack, legacy Kubernetes clusters, Cluster API.

    All files stand below $REPLANK_GROUND (by default replank-ground in your cache directory).
    """


@cli.command()
@click.option("--with", "more", default="", help="More of toolchain/versions.toml, with commas.")
@click.option("--plane", "planes", multiple=True, default=("one",), help="Management planes by name.")
def up(more: str, planes: tuple[str, ...]) -> None:
    """Bring the ground up. Interrupted, run it again: it goes on."""
    from proving_ground.alone import alone
    from proving_ground.engine import docker_engine, parts
    from proving_ground.up import Wanted
    from proving_ground.up import up as bring_up

    names = tuple(name for name in more.split(",") if name)
    versions = tuple(name.removeprefix("kubernetes-") for name in names if name.startswith("kubernetes-"))
    progress = _progress()
    with alone(folders()):
        bring_up(folders(), Wanted(names, versions, planes), progress)
    Console(file=sys.stdout).print(progress.table(parts.memory(docker_engine.connect())))


@cli.command()
def down() -> None:
    """Take the ground down. The cache stays, and nothing else."""
    from proving_ground.alone import alone
    from proving_ground.down import down as take_down

    with alone(folders()):
        take_down(folders(), _progress())


@cli.command()
def status() -> None:
    """What runs, as JSON: part -> status and memory in bytes."""
    from proving_ground.engine import docker_engine, parts

    client = docker_engine.connect()
    used = parts.memory(client)
    running = {c.labels["replank.ground"]: c.status for c in parts.all_containers(client)}
    document = {
        name: {"status": state, "memory": used.get(name, 0)} for name, state in sorted(running.items())
    }
    click.echo(json.dumps(document, indent=1))


@cli.command("prove-full")
@click.option("--only", multiple=True, help="Only test files whose name begins so, as test_scenarios.")
def prove_full(only: tuple[str, ...]) -> None:
    """Run every test of the ground that has not passed at this commit; writes docs/proof.md."""
    from proving_ground.proof import prove

    results = prove(folders(), _progress(), only)
    for result in results:
        click.echo(f"{'passed' if result.passed else 'FAILED'} {result.name}: {result.closing.strip('= ')}")
    if not all(result.passed for result in results):
        sys.exit(1)


@cli.command()
@click.option("--clusters", type=click.IntRange(1, 1000), default=200, show_default=True)
@click.option("--blocks", type=click.IntRange(1, 100), default=8, show_default=True)
@click.option("--parallel", type=click.IntRange(1, 100), default=10, show_default=True)
@click.option("--plane", "name", default="four", show_default=True, help="Made for this, and taken down.")
@click.option("--keep-plane", is_flag=True)
@click.option("--if-up", is_flag=True, help="Where no ground is up, say so and end well.")
@click.option("--write", is_flag=True, help="Write docs/bench.md.")
def bench(
    clusters: int, blocks: int, parallel: int, name: str, keep_plane: bool, if_up: bool, write: bool
) -> None:
    """Take many clusters over through a real API server, against a bare loop of applies; prints JSON."""
    from proving_ground import management
    from proving_ground.bench import page
    from proving_ground.bench.run import Size, run
    from proving_ground.engine import docker_engine, parts

    if if_up and not (docker_engine.answers() and parts.all_containers(docker_engine.connect())):
        click.echo(
            "NOT MEASURED: a takeover through a real API server, against a bare loop of applies, and its "
            "memory. It needs the proving ground: `make ground-up`, then `make bench-ground`.",
            err=True,
        )
        return
    client, progress = docker_engine.connect(), _progress()
    management.up(client, folders(), progress, name, True)
    try:
        size = Size(clusters=clusters, blocks=blocks, parallel=parallel)
        totals = run(client, management.plane(folders(), name), size, progress.note)
    finally:
        if not keep_plane:
            management.down(client, folders(), name)
    found = page.document(size, totals)
    if write:
        page.write(found)
    click.echo(json.dumps(found, indent=1))


@cli.group()
def legacy() -> None:
    """Clusters made the legacy way: OpenTofu, then Ansible."""


@legacy.command("create")
@click.argument("name")
@click.option("--number", type=click.IntRange(0, 200), required=True, help="Which subnet, 198.19.N.0/24.")
@click.option("--control-planes", type=click.IntRange(1, 7), default=3, show_default=True)
@click.option("--workers", type=click.IntRange(0, 20), default=2, show_default=True)
@click.option("--kubernetes", default="1.35", show_default=True)
@click.option("--layout", type=click.Choice(["plain", "kubespray"]), default="plain", show_default=True)
@click.option("--audit/--no-audit", default=False, help="An audit policy, in a file that a flag points at.")
@click.option("--encryption/--no-encryption", default=False, help="Encryption at rest.")
@click.option("--hand-edited/--not-hand-edited", default=False, help="A flag set by hand in a manifest.")
@click.option("--provider-id", type=click.Choice(["plain", "region", "none"]), default="plain")
def legacy_create(
    name: str,
    number: int,
    control_planes: int,
    workers: int,
    kubernetes: str,
    layout: Literal["plain", "kubespray"],
    audit: bool,
    encryption: bool,
    hand_edited: bool,
    provider_id: Literal["plain", "region", "none"],
) -> None:
    """Make the cluster NAME; prints its machines as JSON. Run again, it goes on."""
    from proving_ground.legacy.create import create, summary
    from proving_ground.legacy.layout import LegacyCluster, Traits, WorkerGroup

    cluster = LegacyCluster(
        name=name,
        number=number,
        control_planes=control_planes,
        worker_groups=(WorkerGroup(count=workers),),
        kubernetes=kubernetes,
        layout=layout,
        traits=Traits(
            audit=audit, encryption=encryption, hand_edited_manifest=hand_edited, provider_id=provider_id
        ),
    )
    click.echo(summary(create(folders(), cluster, _progress())))
    click.echo(f"export KUBECONFIG={folders().cluster(name) / 'kubeconfig'}", err=True)


@legacy.command("delete")
@click.argument("name")
def legacy_delete(name: str) -> None:
    """Destroy what OpenTofu made for the cluster NAME, and forget its files."""
    from proving_ground.legacy.create import destroy
    from proving_ground.legacy.layout import LegacyCluster

    destroy(folders(), LegacyCluster(name=name, number=0), _progress())


@cli.group()
def plane() -> None:
    """Management planes, besides those that `up` made."""


@plane.command("up")
@click.argument("name")
@click.option("--idle", is_flag=True, help="Webhooks serve, controllers see nothing: for benchmarks.")
def plane_up(name: str, idle: bool) -> None:
    """Bring up the plane NAME (one to four); prints where its kubeconfig is."""
    from proving_ground import management
    from proving_ground.engine import docker_engine

    management.up(docker_engine.connect(), folders(), _progress(), name, idle)
    click.echo(folders().plane(name) / "kubeconfig")


@plane.command("down")
@click.argument("name")
def plane_down(name: str) -> None:
    """Take the plane NAME down."""
    from proving_ground import management
    from proving_ground.engine import docker_engine

    management.down(docker_engine.connect(), folders(), name)


def _progress() -> Progress:
    return Progress(folders().cache / "timings.json")


def main() -> None:
    """The command line, with errors in words."""
    try:
        cli(standalone_mode=False)
    except GroundError as error:
        click.echo(f"ground: {error}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("ground: interrupted; run the same command again to go on", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
