"""Runs through DBOS on SQLite: started, carried on, paused, approved, aborted, given back."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import socket
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from replank.domain.errors import Refused
from replank.engine.engine import Engine
from replank.engine.lease import REF
from replank.journal.event import SCHEMA
from replank.journal.state import state_of
from replank.plan import codec
from tests.engine.toy import Death, Kube, Rename, World, a_run, plan, registry, step
from tests.engine.toy_engine import begun, engine, me

Work = Callable[[Engine], Awaitable[Any]]


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'journal.db'}"


def with_engine(folder: Path, work: Work, **options: Any) -> Any:
    """Each call is a process of its own, as far as the database can tell."""

    async def inside() -> Any:
        async with engine(folder, url(folder), **options) as the_engine:
            return await work(the_engine)

    return asyncio.run(inside())


async def go(the_engine: Engine, run_id: str, direction: Any = "apply", goal: str = "", **more: Any) -> Any:
    return await the_engine.carry_on(run_id, direction=direction, goal=goal, holder=me(), **more)


def kinds(folder: Path, run_id: str) -> list[str]:
    with contextlib.closing(sqlite3.connect(folder / "journal.db")) as journal:
        rows = journal.execute("select kind from replank_events where run_id = ? order by seq", (run_id,))
        return [row[0] for row in rows]


def workflows(folder: Path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(folder / "journal.db")) as journal:
        return dict(journal.execute("select workflow_uuid, status from workflow_status"))


def test_a_run_is_carried_out_undone_and_leaves_no_lease(tmp_path: Path):
    world, kube = World(), Kube()

    async def work(the_engine: Engine) -> Any:
        run_id = await begun(the_engine)
        assert run_id.startswith("toy-20")
        assert await go(the_engine, run_id) == "done"
        assert world.names["d"] == "new-d"
        assert await go(the_engine, run_id, "undo", "build") == "undone"
        assert world.names["c"] == "new-c"
        assert await go(the_engine, run_id, "undo") == "undone"
        assert kube.objects == {}
        return run_id

    run_id = with_engine(tmp_path, work, world=world, kubes={"toy": kube})
    assert world.names == World().names
    assert workflows(tmp_path) == {
        f"{run_id}:apply:1": "SUCCESS",
        f"{run_id}:undo:2": "SUCCESS",
        f"{run_id}:undo:3": "SUCCESS",
    }
    started = kinds(tmp_path, run_id)
    assert started[0] == "run-started"
    assert started.count("resumed") == 2


def test_the_lease_is_held_while_steps_run(tmp_path: Path):
    world, kube, seen = World(), Kube(), []
    world.before_call = lambda _: seen.append(kube.objects[REF]["spec"]["holderIdentity"])

    async def work(the_engine: Engine) -> Any:
        return await go(the_engine, await begun(the_engine))

    assert with_engine(tmp_path, work, world=world, kubes={"toy": kube}) == "done"
    assert seen
    assert all(holder.startswith(f"{me()} toy-") for holder in seen)


def test_a_lease_left_by_a_kill_after_the_runs_last_word_keeps_nobody_out(tmp_path: Path):
    world, kube, held = World(), Kube(), []
    world.before_call = lambda _: held.append(copy.deepcopy(kube.objects[REF]))

    async def work(the_engine: Engine) -> Any:
        first = await begun(the_engine)
        assert await go(the_engine, first) == "done"
        ended = held[-1]["spec"]["holderIdentity"]
        kube.objects[REF] = held[-1]
        second = await begun(the_engine)
        assert await go(the_engine, second) == "done"
        kube.objects[REF] = held[-1] | {"spec": held[-1]["spec"] | {"holderIdentity": f"{me()} of-another"}}
        third = await begun(the_engine)
        with pytest.raises(Refused) as caught:
            await go(the_engine, third)
        return first in ended, second in held[-1]["spec"]["holderIdentity"], caught.value.code

    assert with_engine(tmp_path, work, world=world, kubes={"toy": kube}) == (True, True, "RP813")


def test_what_dbos_writes_down_is_ids_and_words_in_json_and_nothing_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    def listen(*_: Any) -> None:
        raise AssertionError("something listens")

    monkeypatch.setattr(socket.socket, "listen", listen)
    monkeypatch.setattr(socket.socket, "connect", listen)
    run_id = with_engine(tmp_path, lambda e: _start_and_go(e))
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        outputs = list(
            journal.execute("select function_name, output, serialization, error from operation_outputs")
        )
        status = journal.execute("select application_version, serialization from workflow_status").fetchall()
        inputs = journal.execute("select inputs from workflow_input").fetchall()
    steps = ["align/1-a", "align/1-b", "build/1-c", "settle/1-d"]
    assert [(name, json.loads(output)["value"]) for name, output, _, _ in outputs] == [
        ("steps", steps),
        *((step_id, "done") for step_id in steps),
    ]
    assert {row[2] for row in outputs} == {"replank_json"}
    assert {row[3] for row in outputs} == {None}
    assert status == [(SCHEMA, "replank_json")]
    assert json.loads(inputs[0][0]) == {"value": {"args": [run_id, "apply", ""], "kwargs": {}}}
    assert capfd.readouterr() == ("", "")


async def _start_and_go(the_engine: Engine) -> str:
    run_id = await begun(the_engine)
    assert await go(the_engine, run_id) == "done"
    return run_id


@pytest.mark.parametrize("where", ["before apply b", "after apply c", "before check d"])
def test_a_run_that_died_is_resumed_in_its_own_workflow(tmp_path: Path, where: str):
    world, kube = World(), Kube()
    when, what = where.split(" ", 1)

    def die(call: str) -> None:
        if call == what:
            raise Death

    setattr(world, f"{when}_call", die)

    async def first(the_engine: Engine) -> Any:
        run_id = await begun(the_engine)
        with pytest.raises(Death):
            await go(the_engine, run_id)
        return run_id

    run_id = with_engine(tmp_path, first, world=world, kubes={"toy": kube})
    assert REF in kube.objects, "the dead process's lease stays"
    assert workflows(tmp_path) == {f"{run_id}:apply:1": "PENDING"}
    world.before_call = world.after_call = lambda _: None
    assert with_engine(tmp_path, lambda e: go(e, run_id), world=world, kubes={"toy": kube}) == "done"
    assert workflows(tmp_path) == {f"{run_id}:apply:1": "SUCCESS"}
    assert world.writes == ["a=new-a", "b=new-b", "c=new-c", "d=new-d"]
    assert world.calls.count("found b") == 1


def test_another_process_does_not_touch_a_run_that_it_was_not_asked_for(tmp_path: Path):
    world = World()
    kubes = {"toy": Kube(), "other": Kube()}

    def die(call: str) -> None:
        if call == "apply b":
            raise Death

    world.before_call = die

    async def first(the_engine: Engine) -> Any:
        run_id = await begun(the_engine)
        with pytest.raises(Death):
            await go(the_engine, run_id)
        return run_id

    dead = with_engine(tmp_path, first, world=world, kubes=kubes)
    before = kinds(tmp_path, dead)
    other = World()

    async def second(the_engine: Engine) -> Any:
        run_id = await begun(the_engine, plan(cluster="other"))
        status = await go(the_engine, run_id)
        # Longer than DBOS's own queues and recovery take to look around.
        await asyncio.sleep(2.5)
        return status

    assert with_engine(tmp_path, second, world=other, kubes=kubes) == "done"
    assert kinds(tmp_path, dead) == before
    assert workflows(tmp_path)[f"{dead}:apply:1"] == "PENDING"


def test_a_dead_apply_that_is_undone_is_not_resumed_by_anybody_later(tmp_path: Path):
    world, kubes = World(), {"toy": Kube()}

    def die(call: str) -> None:
        if call == "apply b":
            raise Death

    world.before_call = die

    async def first(the_engine: Engine) -> Any:
        run_id = await begun(the_engine)
        with pytest.raises(Death):
            await go(the_engine, run_id)
        return run_id

    run_id = with_engine(tmp_path, first, world=world, kubes=kubes)
    world.before_call = lambda _: None
    assert with_engine(tmp_path, lambda e: go(e, run_id, "undo"), world=world, kubes=kubes) == "undone"
    assert world.names == World().names
    assert workflows(tmp_path) == {f"{run_id}:apply:1": "CANCELLED", f"{run_id}:undo:2": "SUCCESS"}


def test_reading_pausing_approving_and_aborting_launch_no_workflows(tmp_path: Path):
    async def work(the_engine: Engine) -> Any:
        run_id = await begun(the_engine)
        await the_engine.approve(run_id, ["*"], "alice@project", "replank approve")
        await the_engine.pause(run_id, "lunch")
        await the_engine.abort(run_id, me())
        return state_of(await the_engine.journal.events(run_id))

    state = with_engine(tmp_path, work)
    assert (state.status, state.approved) == ("aborted", {"*"})
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        tables = {row[0] for row in journal.execute("select name from sqlite_master where type = 'table'")}
    assert tables == {"replank_runs", "replank_events"}


def test_many_runs_at_once_and_ones_stop_stops_no_other(tmp_path: Path):
    class Picky(Rename):
        async def apply(self, at: Any) -> Any:
            if at.plan.cluster == "c1":
                raise Refused("RP901", "No", "403", "Ask.")
            if at.plan.cluster == "c2":
                raise KeyError("a bug")
            return await super().apply(at)

    worlds = World(names={f"a{n}": "old" for n in range(5)})
    plans = [plan((step("align", f"a{n}", kind="toy.picky"),), cluster=f"c{n}") for n in range(5)]
    kubes = {f"c{n}": Kube() for n in range(5)}

    async def work(the_engine: Engine) -> Any:
        runs = [await begun(the_engine, each) for each in plans]
        return await asyncio.gather(*(go(the_engine, run_id) for run_id in runs))

    done = with_engine(tmp_path, work, world=worlds, kubes=kubes, more={"toy_picky": Picky(worlds)})
    assert done == ["done", "refused", "refused", "done", "done"]
    assert worlds.names == {"a0": "new-a0", "a1": "old", "a2": "old", "a3": "new-a3", "a4": "new-a4"}


def test_a_pause_from_elsewhere_ends_the_run_after_its_step_and_resume_goes_on(tmp_path: Path):
    world, kubes = World(), {"toy": Kube()}

    async def work(the_engine: Engine) -> Any:
        run_id = await begun(the_engine)

        async def elsewhere() -> None:
            async with engine(tmp_path, url(tmp_path), world=World(), kubes=kubes) as other:
                await other.pause(run_id, "lunch")

        pausing: list[asyncio.Task[None]] = []

        class Slow(Rename):
            async def apply(self, at: Any) -> Any:
                if at.step.id == "align/1-b" and not pausing:
                    pausing.append(asyncio.create_task(elsewhere()))
                    await pausing[0]
                return await super().apply(at)

        the_engine._registry = registry(world, **{"toy_rename": Slow(world)})
        assert await go(the_engine, run_id) == "paused"
        assert (world.names["b"], world.names["c"]) == ("new-b", "")
        state = state_of(await the_engine.journal.events(run_id))
        assert (state.status, state.why) == ("paused", "lunch")
        return await go(the_engine, run_id)

    assert with_engine(tmp_path, work, world=world, kubes=kubes) == "done"


def test_an_approval_is_waited_for_and_given_in_between(tmp_path: Path):
    world = World()

    async def work(the_engine: Engine) -> Any:
        run_id = await begun(the_engine, plan((step("align", "a", approval="rename-server"),)))
        assert await go(the_engine, run_id) == "waiting-for-approval"
        assert world.calls == []
        await the_engine.approve(run_id, ["rename-server"], "alice", "typed cluster name")
        return await go(the_engine, run_id)

    assert with_engine(tmp_path, work, world=world, kubes={"toy": Kube()}) == "done"


def test_until_a_stage_then_further(tmp_path: Path):
    world = World()

    async def work(the_engine: Engine) -> Any:
        run_id = await begun(the_engine, until="align")
        assert await go(the_engine, run_id, goal="align") == "done"
        assert world.names["c"] == ""
        with pytest.raises(Refused) as caught:
            await begun(the_engine)
        assert caught.value.code == "RP807"
        assert "build/1-c" in caught.value.why
        return await go(the_engine, run_id)

    assert with_engine(tmp_path, work, world=world, kubes={"toy": Kube()}) == "done"


@pytest.mark.parametrize("ending", ["done", "undone", "aborted"])
def test_a_finished_run_lets_the_next_one_begin_and_is_over(tmp_path: Path, ending: str):
    async def work(the_engine: Engine) -> Any:
        run_id = await begun(the_engine)
        with pytest.raises(Refused, match=run_id):
            await begun(the_engine)
        if ending == "aborted":
            await the_engine.abort(run_id, me())
        else:
            await go(the_engine, run_id, "undo" if ending == "undone" else "apply")
        if ending != "done":
            with pytest.raises(Refused) as caught:
                await go(the_engine, run_id)
            assert caught.value.code == "RP816"
        return await begun(the_engine)

    assert with_engine(tmp_path, work, world=World(), kubes={"toy": Kube()})


def test_an_aborted_run_can_be_undone(tmp_path: Path):
    world = World()

    async def work(the_engine: Engine) -> Any:
        run_id = await begun(the_engine)
        await go(the_engine, run_id, goal="build")
        await the_engine.abort(run_id, me())
        with pytest.raises(Refused):
            await the_engine.abort("toy-nobody", me())
        return await go(the_engine, run_id, "undo")

    assert with_engine(tmp_path, work, world=world, kubes={"toy": Kube()}) == "undone"
    assert world.names == World().names


def test_a_plan_that_is_not_ready_or_cannot_be_run_is_not_started(tmp_path: Path):
    async def work(the_engine: Engine) -> Any:
        codes = []
        for bad, until in (
            (replace(plan(), ready=False), ""),
            (plan((step("align", "a", kind="toy.unheard-of"),)), ""),
            (plan(), "no-such-stage"),
        ):
            with pytest.raises(Refused) as caught:
                await begun(the_engine, bad, until)
            codes.append(caught.value.code)
        assert await the_engine.journal.runs() == ()
        return codes

    assert with_engine(tmp_path, work) == ["RP808", "RP802", "RP806"]


def test_a_run_of_another_schema_is_refused_by_name_and_blocks_its_cluster(tmp_path: Path):
    async def work(the_engine: Engine) -> Any:
        await the_engine.journal.start(a_run(plan(), "toy-old", schema="replank.journal/v0"))
        codes = []
        for doing in (
            lambda: go(the_engine, "toy-old"),
            lambda: the_engine.pause("toy-old", "x"),
            lambda: begun(the_engine),
        ):
            with pytest.raises(Refused, match="toy-old") as caught:
                await doing()
            codes.append(caught.value.code)
        return codes

    assert with_engine(tmp_path, work) == ["RP810", "RP810", "RP807"]


def test_a_workflow_of_another_version_is_refused_by_name(tmp_path: Path):
    async def work(the_engine: Engine) -> Any:
        return await begun(the_engine)

    async def elsewhere(the_engine: Engine) -> Any:
        other = await begun(the_engine, plan(cluster="other"))
        return await go(the_engine, other)

    run_id = with_engine(tmp_path, work, world=World(), kubes={"toy": Kube()})
    assert with_engine(tmp_path, elsewhere, world=World(), kubes={"other": Kube()}) == "done"
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        journal.execute(
            "update workflow_status set workflow_uuid = ?, status = 'PENDING', application_version = 'v0'",
            (f"{run_id}:apply:1",),
        )
        journal.commit()
    with pytest.raises(Refused, match=f"{run_id}:apply:1 is of v0") as caught:
        with_engine(tmp_path, lambda e: go(e, run_id), world=World(), kubes={"toy": Kube()})
    assert caught.value.code == "RP818"


def test_a_plan_that_was_changed_in_the_journal_is_refused(tmp_path: Path):
    async def work(the_engine: Engine) -> Any:
        return await begun(the_engine)

    run_id = with_engine(tmp_path, work)
    changed = codec.dump(plan((step("align", "b"),)))
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        journal.execute("update replank_runs set plan = ?", (changed,))
        journal.commit()
    with pytest.raises(Refused) as caught:
        with_engine(tmp_path, lambda e: go(e, run_id))
    assert caught.value.code == "RP819"


def test_two_processes_do_not_carry_one_run_on(tmp_path: Path):
    world, kubes = World(), {"toy": Kube()}

    async def work(the_engine: Engine) -> Any:
        run_id = await begun(the_engine)
        reached, leave = asyncio.Event(), asyncio.Event()

        class Waits(Rename):
            async def apply(self, at: Any) -> Any:
                reached.set()
                await leave.wait()
                return await super().apply(at)

        the_engine._registry = registry(world, **{"toy_rename": Waits(world)})
        first = asyncio.create_task(go(the_engine, run_id))
        await reached.wait()
        async with engine(tmp_path, url(tmp_path), world=World(), kubes=kubes) as other:
            with pytest.raises(Refused) as caught:
                await go(other, run_id)
        leave.set()
        return caught.value.code, await first

    assert with_engine(tmp_path, work, world=world, kubes=kubes) == ("RP817", "done")


def test_whoever_leaves_in_a_hurry_loses_nothing(tmp_path: Path):
    world, kubes = World(), {"toy": Kube()}
    inside = asyncio.Event

    async def first(the_engine: Engine) -> Any:
        run_id = await begun(the_engine)
        reached = inside()

        class Endless(Rename):
            async def apply(self, at: Any) -> Any:
                if at.step.id == "align/1-b":
                    reached.set()
                    await asyncio.Event().wait()
                return await super().apply(at)

        the_engine._registry = registry(world, **{"toy_rename": Endless(world)})
        going = asyncio.create_task(go(the_engine, run_id))
        await reached.wait()
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        return run_id

    run_id = with_engine(tmp_path, first, world=world, kubes=kubes)
    assert with_engine(tmp_path, lambda e: go(e, run_id), world=world, kubes=kubes) == "done"
    assert world.writes == ["a=new-a", "b=new-b", "c=new-c", "d=new-d"]


def test_a_full_disk_in_the_middle_stops_the_run_and_it_goes_on_when_there_is_room(tmp_path: Path):
    world, kubes = World(), {"toy": Kube()}

    async def first(the_engine: Engine) -> Any:
        run_id = await begun(the_engine)

        class Fills(Rename):
            async def apply(self, at: Any) -> Any:
                await super().apply(at)
                if at.step.id == "align/1-b":
                    database = the_engine._store.database
                    database.engine.dispose()
                    pages = await database.work(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
                    from sqlalchemy import event

                    event.listen(
                        database.engine, "checkout", lambda c, *_: c.execute(f"PRAGMA max_page_count={pages}")
                    )
                    return {"filler": "x" * 200_000}
                return {}

        the_engine._registry = registry(world, **{"toy_rename": Fills(world)})
        with pytest.raises(Refused, match="no room left") as caught:
            await go(the_engine, run_id)
        return run_id, caught.value.code

    run_id, code = with_engine(tmp_path, first, world=world, kubes=kubes)
    assert code == "RP811"
    assert with_engine(tmp_path, lambda e: go(e, run_id), world=world, kubes=kubes) == "done"
    assert world.writes == ["a=new-a", "b=new-b", "c=new-c", "d=new-d"]
