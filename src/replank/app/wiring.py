"""Binds the ports to the transports that implement them, and the commands to both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from replank.app.asking import Ask, terminal
from replank.inventory.fleet.model import ClusterConfig
from replank.journal.event import Direction
from replank.journal.state import RunStatus
from replank.plan.codec import AnyPlan
from replank.ports.access import Access
from replank.ports.journal import Journal, WatchedJournal
from replank.survey.fleet import Readers

if TYPE_CHECKING:
    from replank.probe.judge import ProbeResult

SURVEY_TIMEOUT_S = 60.0


class Runner(Protocol):
    """The engine, as commands use it (`engine/`)."""

    @property
    def journal(self) -> Journal: ...

    async def start(self, plan: AnyPlan, plan_text: str, *, fleet: str, until: str, holder: str) -> str: ...

    async def carry_on(
        self, run_id: str, *, direction: Direction, goal: str, holder: str, take_over: bool = False
    ) -> RunStatus: ...

    async def pause(self, run_id: str, why: str) -> None: ...

    async def approve(self, run_id: str, words: Sequence[str], who: str, how: str) -> None: ...

    async def abort(self, run_id: str, holder: str) -> None: ...


class Probes(Protocol):
    """Probes of one cluster that are running (`probe/`)."""

    async def baseline_over(self) -> None:
        """Waits until the baseline is measured."""
        ...

    async def ended(self) -> None:
        """Waits until they end before they are told to, and raises why."""
        ...

    def result(self) -> ProbeResult:
        """What was seen, so far or at the end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What commands reach the world by. Tests hand another one to `cli.main`.

    `readers`: for the survey. `access`: a cluster's systems, to be read only. `missing_rights`: what the
    operator's credentials may not do on both clusters, as sentences. `runner`, `journal`: by the journal's
    URL; the second starts nothing. `probes`: of a cluster, with the file for their record and the seconds of
    the baseline. `ask`: None where nobody sits at a terminal.
    """

    readers: Callable[[], Readers]
    access: Callable[[ClusterConfig, AnyPlan], AbstractAsyncContextManager[Access]]
    missing_rights: Callable[[Access, AnyPlan], Awaitable[Sequence[str]]]
    runner: Callable[[str], AbstractAsyncContextManager[Runner]]
    journal: Callable[[str], AbstractAsyncContextManager[WatchedJournal]]
    probes: Callable[[ClusterConfig, Path, float], AbstractAsyncContextManager[Probes]]
    ask: Callable[[], Ask | None] = terminal


def wiring() -> Wiring:
    """That of the running command: what a test gave, else the real world."""
    context = click.get_current_context(silent=True)
    given = context.find_object(Wiring) if context is not None else None
    return given if given is not None else live_wiring()


def live_wiring() -> Wiring:
    """The real world."""
    from replank.app.live_access import missing_rights, only_reading
    from replank.app.live_engine import live_journal, live_runner
    from replank.app.live_probes import live_probes

    return Wiring(
        readers=lambda: live_readers(parallel=8, timeout_s=SURVEY_TIMEOUT_S),
        access=only_reading,
        missing_rights=missing_rights,
        runner=live_runner,
        journal=live_journal,
        probes=live_probes,
    )


def live_readers(*, parallel: int, timeout_s: float) -> Readers:
    """Readers of the real world. `parallel`: requests at once to a cloud. `timeout_s`: for one answer."""
    from replank.app.node_access import NodesReached
    from replank.transports.kubernetes.controlled import KubernetesClusterApiReader
    from replank.transports.kubernetes.management import KubernetesManagementReader
    from replank.transports.kubernetes.reader import KubernetesReader
    from replank.transports.kubernetes.runtime.reader import KubernetesRuntimeUseReader
    from replank.transports.openstack.reader import OpenStackReader
    from replank.transports.ssh.reader import SshHostReader
    from replank.transports.terraform.reader import TerraformStateReader

    return Readers(
        state=TerraformStateReader(),
        cloud=OpenStackReader(read_timeout_s=timeout_s, parallel=parallel),
        cluster=KubernetesReader(timeout_s=timeout_s),
        management=KubernetesManagementReader(timeout_s=timeout_s),
        host=SshHostReader(),
        runtime=NodesReached(),
        runtime_use=KubernetesRuntimeUseReader(timeout_s=timeout_s),
        cluster_api=KubernetesClusterApiReader(),
    )


def offline_readers() -> Readers:
    """Readers that look at files alone."""
    from replank.transports.terraform.reader import TerraformStateReader

    return Readers(state=TerraformStateReader(), cloud=None, cluster=None, management=None, host=None)
