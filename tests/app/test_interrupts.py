"""Signals: the first pauses, the second leaves. Real signals, sent by the process to itself."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from replank.app.interrupts import Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_pauses_and_the_second_leaves_at_once(number):
    done: list[str] = []

    async def scene() -> None:
        async def pause() -> None:
            done.append("paused")

        with Interrupts(pause, tell=lambda _: None, leave=lambda: done.append("left")) as interrupts:
            assert not interrupts.asked
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.01)
            await interrupts.settled()
            assert done == ["paused"]
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.01)
        assert done == ["paused", "left"]

    asyncio.run(scene())


def test_a_pause_that_cannot_be_written_is_told():
    async def scene() -> None:
        async def pause() -> None:
            raise OSError("disk full")

        with Interrupts(pause, tell=lambda _: None) as interrupts:
            interrupts.signalled()
            with pytest.raises(OSError, match="disk full"):
                await interrupts.settled()

    asyncio.run(scene())


def test_the_old_handlers_are_back_afterwards():
    before = signal.getsignal(signal.SIGTERM)

    async def scene() -> None:
        async def pause() -> None: ...

        with Interrupts(pause, tell=lambda _: None):
            pass

    asyncio.run(scene())
    assert signal.getsignal(signal.SIGTERM) == before
