"""`replank permissions`."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import get_args

import click
from ruamel.yaml import YAML

from replank.app.console import print_json
from replank.app.options import json_option
from replank.survey.permissions import Purpose, permissions


@click.command("permissions")
@click.argument("purpose", type=click.Choice(get_args(Purpose)))
@click.option(
    "--namespace",
    default="default",
    show_default=True,
    help="Of the cluster on the management cluster, as `management.namespace` in fleet.yaml.",
)
@click.option("--ssh-user", default="replank", show_default=True, help="Who the sudo lines are for.")
@json_option
def command(purpose: Purpose, namespace: str, ssh_user: str, as_json: bool) -> None:
    """Print the smallest rights for PURPOSE: Kubernetes RBAC, OpenStack roles, sudo commands."""
    rights = asdict(permissions(purpose, ssh_user=ssh_user, namespace=namespace))
    plain = _plain(rights)
    if as_json:
        print_json(plain)
        return
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 110
    text = io.StringIO()
    yaml.dump(plain, text)
    click.echo(text.getvalue(), nl=False)


def _plain(value: object) -> object:
    """Tuples as lists: YAML and JSON know no others."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
