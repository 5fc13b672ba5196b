"""`replank operator`."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path

import click

from replank.domain.errors import Refused

_NEEDED = ("aiohttp", "kopf", "prometheus_client")


@click.command("operator")
@click.option(
    "--kubeconfig",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Of the management cluster. Without it: that of the Pod.",
)
@click.option("--context", default="", help="In the kubeconfig; its current one if not given.")
@click.option(
    "-n",
    "--namespace",
    "namespaces",
    multiple=True,
    help="Watch Clusters in this namespace only; may be given several times. Without it: in all.",
)
@click.option(
    "--lease-namespace",
    default="",
    help="Where the Lease is by which replicas agree who acts. [default: the Pod's, else replank-system]",
)
@click.option(
    "--listen",
    default=":8080",
    show_default=True,
    metavar="HOST:PORT",
    help="Of /healthz, /readyz and /metrics.",
)
@click.option(
    "--log-format", type=click.Choice(["json", "text"]), default="json", show_default=True, help="On stderr."
)
@click.option(
    "--parallel", type=click.IntRange(1), default=10, show_default=True, help="Clusters looked at at once."
)
def command(
    kubeconfig: Path | None,
    context: str,
    namespaces: tuple[str, ...],
    lease_namespace: str,
    listen: str,
    log_format: str,
    parallel: int,
) -> None:
    """Answer the hooks of adopted Machines and keep load balancers' pools, until it is told to end.

    Runs in the management cluster (docs/day2.md). Several replicas may run, one acts. It needs the extra
    `operator` of the package.
    """
    require_extra()
    from replank.app.live_operator import OperatorOptions, operate
    from replank.controllers.log import log_to

    log_to(style="text" if log_format == "text" else "json")
    options = OperatorOptions(
        kubeconfig=kubeconfig,
        context=context,
        namespaces=tuple(dict.fromkeys(namespaces)),
        lease_namespace=lease_namespace,
        listen=listen,
        parallel=parallel,
    )
    asyncio.run(operate(options))


def require_extra() -> None:
    """Raises `Refused` RP760 where the packages that only the operator needs are not there."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise Refused(
            "RP760",
            "The operator cannot run from this installation",
            f"these packages are missing: {', '.join(missing)}",
            'Install the extra: pip install "replank[operator]".',
        )
