"""The command line. Commands are imported when they are called: `--help` costs little more than Python."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from replank import __version__
from replank.domain.errors import ReplankError

# name -> (module, one line of help). The line stands here so that `--help` imports no command.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("replank.app.commands.init", "Write a commented fleet.yaml, filled with what can be found."),
    "survey": ("replank.app.commands.survey", "Look at clusters, read only, and write a snapshot of each."),
    "audit": ("replank.app.commands.audit", "Say what would hinder or hurt a takeover."),
    "plan": ("replank.app.commands.plan", "Write the plan of a migration."),
    "show": ("replank.app.commands.show", "Show a plan: in the terminal, as a page, as manifests."),
    "diff": ("replank.app.commands.diff", "Tell in words what differs between two snapshots or two plans."),
    "approve": ("replank.app.commands.approve", "Approve a plan's points of no return beforehand."),
    "apply": ("replank.app.commands.apply", "Carry plans out. Looks first, asks, then writes."),
    "status": ("replank.app.commands.status", "Say where runs stand."),
    "log": ("replank.app.commands.log", "Print what happened in a run."),
    "pause": ("replank.app.commands.pause", "Ask a run to pause after its running step."),
    "resume": ("replank.app.commands.resume", "Go on with a run where it stands."),
    "abort": ("replank.app.commands.abort", "Give a run up where it stands; nothing is undone."),
    "undo": ("replank.app.commands.undo", "Give a run's cluster back, as the journal found it."),
    "report": ("replank.app.commands.report", "Write the report of a run, as a page and as JSON."),
    "verify": (
        "replank.app.commands.verify",
        "Say whether a cluster is fully Cluster API's, and what a rollout would replace.",
    ),
    "remedy": (
        "replank.app.commands.remedy",
        "Show, and with --apply write, what lets log agents read both runtimes' logs.",
    ),
    "probe": ("replank.app.commands.probe", "Probe a cluster for a time: was there any downtime?"),
    "guard": ("replank.app.commands.guard", "Print a cluster's ClusterGuard: what the operator keeps of it."),
    "operator": (
        "replank.app.commands.operator",
        "Guard adopted machines and keep pools, in the management cluster.",
    ),
    "explain": ("replank.app.commands.explain", "Print the long text of a code, such as RP207."),
    "permissions": ("replank.app.commands.permissions", "Print the smallest rights that replank needs."),
    "schema": (
        "replank.app.commands.schema",
        "Print the JSON schema of a file that replank writes or reads.",
    ),
    "demo": ("replank.app.commands.demo", "Run the main job on an embedded legacy fleet."),
}

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_ATTENTION = 2


class LazyGroup(click.Group):
    """A group whose commands live in modules of their own."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Commands in the order of the work, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name][0]}.command is no click command")
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="replank")
def cli() -> None:
    """Move live Kubernetes clusters under Cluster API, in place.

    replank looks at clusters that Terraform and kubeadm made on OpenStack, without touching anything, says
    what it found, writes a plan to take each of them over, carries it out, and can give the cluster back.

    \b
    The way through:
      replank init --from DIR       write fleet.yaml
      replank survey                look, write snapshots
      replank audit                 what stands in the way
      replank plan takeover         write a plan for each cluster
      replank show plans/NAME.takeover.yaml
      replank apply plans/NAME.takeover.yaml
      replank status

    stdout is data, stderr is progress. Exit status: 0 nothing to do, 1 an error, 2 something needs your
    attention (findings, facts that could not be seen, a plan that is not ready, a run that waits).
    """


def main(arguments: Sequence[str] | None = None, wiring: object = None) -> None:
    """Entry point. Exits; never shows a traceback for an error that has a code.

    `wiring`: a `replank.app.wiring.Wiring`, None = the real world.
    """
    try:
        status = cli.main(
            args=list(arguments) if arguments is not None else None,
            prog_name="replank",
            standalone_mode=False,
            obj=wiring,
        )
    except ReplankError as error:
        from replank.app.console import show_error

        show_error(error)
        status = EXIT_ERROR
    except click.ClickException as error:
        error.show()
        status = EXIT_ERROR
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. Nothing was changed outside the files named above.", err=True)
        status = 130
    except BrokenPipeError:
        sys.stderr.close()
        status = EXIT_ERROR
    sys.exit(status if isinstance(status, int) else EXIT_OK)
