"""Puts death where a run writes: journal, OpenStack, both Kubernetes APIs, snapshots, the state's lock."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from functools import wraps
from pathlib import Path
from typing import Any

from replank.engine.store import SqlJournal
from replank.journal.event import Event
from replank.ports import receipts
from replank.ports.access import EtcdSnapshot
from replank.testbed.crash.death import Death


def install(death: Death) -> None:
    """Once a process, before the modules are imported that take the wrapped functions by name.

    Raises `RuntimeError` where one of them is there already: its writes would pass unseen.
    """
    users = ("replank.transports.kubernetes.line", "replank.transports.openstack.project_calls")
    if early := [name for name in users if name in sys.modules]:
        raise RuntimeError(f"imported before the hooks were there: {', '.join(early)}")
    _journal(death)
    _receipts(death)
    _openstack(death)
    _snapshots(death)
    _state_locks(death)


def _journal(death: Death) -> None:
    whole = SqlJournal.append

    async def append(self: SqlJournal, run_id: str, event: Event) -> None:
        death.before(event)
        await whole(self, run_id, event)
        death.after(event)

    SqlJournal.append = append  # type: ignore[method-assign]


def _receipts(death: Death) -> None:
    whole = receipts.receipt

    def receipt(text: str) -> None:
        death.write(text)
        whole(text)

    receipts.receipt = receipt


def _openstack(death: Death) -> None:
    """The step hears of receipts only after all writes of a call of the port; here it is after each."""
    from replank.transports.openstack import calls

    whole = calls.receipt_of

    @wraps(whole)
    def receipt_of(*arguments: Any, **more: Any) -> str:
        text = whole(*arguments, **more)
        death.write(text)
        return text

    calls.receipt_of = receipt_of


def _snapshots(death: Death) -> None:
    from replank.transports.hosts.encrypted_file import Recipient
    from replank.transports.hosts.snapshots import Snapshots

    whole = Snapshots.keep

    async def halfway(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            yield piece
            death.write("half an-etcd-snapshot")

    async def keep(
        self: Snapshots,
        machine: str,
        pieces: AsyncIterator[bytes],
        taken_at: float,
        recipients: list[Recipient],
    ) -> EtcdSnapshot:
        kept = await whole(self, machine, halfway(pieces), taken_at, recipients)
        death.write("whole an-etcd-snapshot")
        return kept

    Snapshots.keep = keep  # type: ignore[method-assign]


def _state_locks(death: Death) -> None:
    from replank.transports.terraform.lock import StateLocks

    take, give_back = StateLocks.take, StateLocks.give_back

    def taken(self: StateLocks, state: Path, holder: str) -> str:
        says = take(self, state, holder)
        death.write(f"lock {state.name}")
        return says

    def given_back(self: StateLocks, state: Path, holder: str) -> None:
        give_back(self, state, holder)
        death.write(f"unlock {state.name}")

    StateLocks.take = taken  # type: ignore[method-assign]
    StateLocks.give_back = given_back  # type: ignore[method-assign]
