"""The sampling itself, on the loopback: a server that goes for 300 ms is seen, a late sampler admits it.

These run on real time (about a second each). Where the machine is busy there are Unknown samples; nothing
here takes them for anything else.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Coroutine
from typing import Any

import pytest
from loopback import HttpServer

from replank.probe.http_exchange import server_of
from replank.probe.judge import ProbeResult
from replank.probe.probing import Probing, Watched
from replank.probe.record import result_of
from replank.probe.samplers import HttpSampler, ReusedHttpSampler, Sampler


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def watch(name: str, sampler: Sampler, timeout_s: float = 1.0) -> Watched:
    return Watched(name=name, kind="http", address="loopback", timeout_s=timeout_s, sampler=sampler)


def result(out: io.StringIO) -> ProbeResult:
    return result_of(io.StringIO(out.getvalue()), where="record")


class Scripted:
    """Waits, then says what it is told to."""

    def __init__(self, said: str = "", wait_s: float = 0.0) -> None:
        self.said, self.wait_s, self.asked, self.closed = said, wait_s, 0, False

    async def ask(self) -> str:
        self.asked += 1
        await asyncio.sleep(self.wait_s)
        return self.said

    def close(self) -> None:
        self.closed = True


def test_a_server_that_is_away_for_300_ms_is_seen_by_new_and_by_kept_connections() -> None:
    out = io.StringIO()

    async def work() -> None:
        server, steady = HttpServer(), HttpServer()
        await server.start()
        await steady.start()
        targets = (
            watch("new", HttpSampler(server_of(server.url, None))),
            watch("kept", ReusedHttpSampler(server_of(server.url, None))),
            watch("steady", HttpSampler(server_of(steady.url, None))),
        )
        async with Probing(targets, out, wall=time.time):
            await asyncio.sleep(0.35)
            server.stop()
            await asyncio.sleep(0.3)
            await server.start()
            await asyncio.sleep(0.45)
        server.stop()
        steady.stop()

    run(work())
    new, kept, steady = result(out).targets
    for target in (new, kept):
        assert target.outcome == "failed", target
        # 300 ms hold three ticks, less those for which the sampler itself was late.
        assert target.stats.failed + target.stats.unknown >= 3
        assert 0.2 <= target.stats.longest_interruption_s <= 2.0
        assert {r for w in target.stats.interruptions for r in w.reasons} <= {
            "connection refused",
            "connection reset",
            "the connection was closed before the answer was complete",
        }
    assert steady.stats.failed == 0
    assert result(out).outcome == "failed"


def test_while_the_event_loop_stands_still_samples_are_unknown() -> None:
    out = io.StringIO()

    async def work() -> None:
        async with Probing((watch("t", Scripted()),), out, wall=time.time):
            await asyncio.sleep(0.2)
            time.sleep(0.55)  # noqa: ASYNC251
            await asyncio.sleep(0.2)

    run(work())
    (target,) = result(out).targets
    assert target.stats.failed == 0
    assert target.stats.unknown >= 4
    assert target.stats.longest_unknown_s >= 0.4
    assert target.outcome == "inconclusive"
    assert "the sampler itself was" in target.stats.unknown_reasons[0]


def test_standing_still_until_the_very_end_is_no_pass_either() -> None:
    out = io.StringIO()

    async def work() -> None:
        async with Probing((watch("t", Scripted()),), out, wall=time.time):
            await asyncio.sleep(0.15)
            time.sleep(0.5)  # noqa: ASYNC251

    run(work())
    (target,) = result(out).targets
    assert target.stats.unknown >= 4


def test_an_answer_that_was_read_too_late_is_unknown_and_a_slow_target_fails() -> None:
    out = io.StringIO()

    async def work() -> None:
        slow = watch("slow", Scripted(wait_s=5.0), timeout_s=0.1)
        async with Probing((slow,), out, wall=time.time):
            await asyncio.sleep(0.35)

    run(work())
    (target,) = result(out).targets
    assert target.stats.passed == 0
    assert target.stats.failed >= 1
    assert target.stats.interruptions[0].reasons == ("no answer in 0.1 s",)


def test_failed_samples_have_time_target_and_reason() -> None:
    out = io.StringIO()

    async def work() -> None:
        async with Probing(
            (watch("bad", Scripted("HTTP 503")), watch("good", Scripted())), out, wall=time.time
        ):
            await asyncio.sleep(0.25)

    before = time.time()
    run(work())
    bad, good = result(out).targets
    (window,) = bad.stats.interruptions
    assert window.reasons == ("HTTP 503",)
    assert before - 1 <= window.after_at <= window.until_at <= time.time() + 1
    assert good.stats.failed == 0


def test_the_baseline_ends_where_the_run_begins() -> None:
    out = io.StringIO()
    sampler = Scripted("HTTP 500")

    async def work() -> None:
        async with Probing((watch("t", sampler),), out, wall=time.time, baseline=True) as probing:
            await asyncio.sleep(0.3)
            sampler.said = ""
            await asyncio.sleep(0.1)
            probing.begin_run()
            await asyncio.sleep(0.3)

    run(work())
    (target,) = result(out).targets
    assert target.baseline is not None
    assert target.baseline.failed + target.baseline.unknown >= 2
    assert target.stats.failed == 0
    assert sampler.closed


class Full(io.StringIO):
    """A file whose disk fills up."""

    lines = 0

    def write(self, text: str) -> int:
        self.lines += 1
        if self.lines > 3:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_record_that_cannot_be_written_ends_the_probing_loudly() -> None:
    told = []

    async def work() -> None:
        async with Probing((watch("t", Scripted("HTTP 500")),), Full(), wall=time.time) as probing:
            try:
                await probing.broken()
            except OSError as error:
                told.append(str(error))

    with pytest.raises(OSError, match="No space left"):
        run(work())
    # Whoever waits inside the block hears of it at once.
    assert len(told) == 1


def test_what_goes_wrong_in_the_block_comes_out_of_it() -> None:
    async def work() -> None:
        with pytest.raises(KeyError):
            async with Probing((watch("t", Scripted()),), io.StringIO(), wall=time.time):
                raise KeyError("theirs")

    run(work())
