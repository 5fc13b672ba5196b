"""`python -m proving_ground`: one command up, one command down, and what lies between."""

from __future__ import annotations

import json
import sys

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
    from proving_ground.engine import docker_engine, parts
    from proving_ground.up import Wanted
    from proving_ground.up import up as bring_up

    names = tuple(name for name in more.split(",") if name)
    versions = tuple(name.removeprefix("kubernetes-") for name in names if name.startswith("kubernetes-"))
    progress = _progress()
    bring_up(folders(), Wanted(names, versions, planes), progress)
    Console(file=sys.stdout).print(progress.table(parts.memory(docker_engine.connect())))


@cli.command()
def down() -> None:
    """Take the ground down. The cache stays, and nothing else."""
    from proving_ground.down import down as take_down

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
