"""One step: look, note, do, look again; and what every kind of answer leads to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from replank.domain.errors import Hold, Refused, Transient
from replank.domain.verdict import Verdict, failed, passed, unseen, waiting
from replank.plan.model import PlanCheck, PointOfNoReturn
from tests.engine.toy import Death, Rename, Toy, World, irreversible, plan, step


@dataclass
class Says:
    """A check that answers with each verdict or error in turn, then passes."""

    answers: list[Verdict | Exception] = field(default_factory=list)
    asked: int = 0

    async def __call__(self, at: Any, params: Any) -> Verdict:
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else passed()
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass(frozen=True)
class Raises(Rename):
    """Its apply raises each error in turn, then works."""

    errors: list[Exception] = field(default_factory=list)

    async def apply(self, at: Any) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        return await super().apply(at)


def one_step(**changes: Any) -> Any:
    return plan((step("align", "a", **changes),))


def checked(kind: str = "toy.says", **changes: Any) -> Any:
    return one_step(before=(PlanCheck(kind=kind, says="It says so"),), **changes)


def raising(*errors: Exception) -> Toy:
    world = World()
    toy = Toy(plan=one_step(kind="toy.raises"), world=world)
    toy.more = {"toy_raises": Raises(world, list(errors))}
    return toy


def go(toy: Toy, *args: Any) -> str:
    return asyncio.run(toy.go(*args))


def test_a_step_is_looked_at_before_and_after_and_what_was_there_is_written_down():
    toy = Toy(plan=one_step())
    assert go(toy) == "done"
    assert toy.world.calls == ["exists a", "found a", "apply a", "check a"]
    assert toy.kinds("align/1-a") == ["step-started", "check", "found", "applied", "check", "step-done"]
    assert toy.last("found").data == {"before": {"name": "old-a"}}
    assert toy.last("applied").data == {"evidence": {"renamed": "a"}, "receipts": ["PUT a req-1"]}
    assert toy.last("check").data["evidence"] == {"name": "new-a"}
    assert toy.last("step-done").data == {"already": False}


def test_a_failed_check_before_stops_the_run_and_nothing_is_applied():
    toy = Toy(plan=checked(), more={"toy_says": Says([failed("it is red", "Paint it.")])})
    assert go(toy) == "refused"
    assert toy.world.writes == []
    assert toy.last("step-refused").data["code"] == "RP800"
    assert toy.last("step-refused").data["todo"] == "Paint it."


def test_a_failed_check_after_names_another_code():
    check = PlanCheck(kind="toy.says", says="It says so")
    toy = Toy(plan=one_step(after=(check,)), more={"toy_says": Says([failed("it is red", "Paint it.")])})
    assert go(toy) == "refused"
    assert toy.last("step-refused").data["code"] == "RP805"


def test_waiting_is_told_once_and_passes_when_it_comes_true():
    says = Says([waiting("not yet")] * 5 + [waiting("almost")] * 3)
    toy = Toy(plan=checked(), more={"toy_says": says})
    assert go(toy) == "done"
    holds = [event for event in toy.journal.kept[next(iter(toy.journal.kept))] if event.kind == "hold"]
    assert [event.data["why"] for event in holds] == ["not yet", "almost"]
    assert holds[0].data["deadline"] == holds[0].at + toy.patience.gate_s
    verdicts = [
        event.data["outcome"]
        for event in toy.journal.kept[next(iter(toy.journal.kept))]
        if event.kind == "check" and event.data["when"] == "before"
    ]
    assert verdicts == ["wait", "wait", "pass"]


@pytest.mark.parametrize("answer", [waiting("not yet"), unseen("nobody could look")])
def test_what_does_not_pass_until_the_deadline_stops_the_run(answer: Verdict):
    toy = Toy(plan=checked(), more={"toy_says": Says([answer] * 1000)})
    begun = toy.clock.now()
    assert go(toy) == "refused"
    assert toy.clock.now() - begun == toy.patience.gate_s
    assert toy.last("step-refused").data["code"] == "RP801"


def test_checks_of_terraform_before_a_step_wait_for_people():
    toy = Toy(plan=checked("terraform.says"), more={"terraform_says": Says([waiting("still listed")] * 1000)})
    begun = toy.clock.now()
    assert go(toy) == "refused"
    assert toy.clock.now() - begun == toy.patience.hold_s


def test_a_check_that_could_not_look_is_asked_again_and_minds_what_the_server_asks_for():
    busy = Transient("RP900", "The API did not answer", "429", "Nothing.", retry_after_s=30)
    toy = Toy(plan=checked(), more={"toy_says": Says([busy])})
    begun = toy.clock.now()
    assert go(toy) == "done"
    assert toy.clock.now() - begun == 30
    assert "retry" not in toy.kinds()


def test_all_checks_pass_in_one_round_before_anything_is_applied():
    first, second = Says([passed(), waiting("changed meanwhile"), passed()]), Says([waiting("not yet")])
    checks = tuple(PlanCheck(kind=kind, says="S") for kind in ("toy.first", "toy.second"))
    toy = Toy(plan=one_step(before=checks), more={"toy_first": first, "toy_second": second})
    assert go(toy) == "done"
    assert (first.asked, second.asked) == (3, 2)


def test_a_transient_error_repeats_the_whole_step_with_growing_pauses():
    toy = raising(Transient("RP900", "No", "503", "Nothing."), Transient("RP900", "No", "503", "Nothing."))
    assert go(toy) == "done"
    events = toy.journal.kept[next(iter(toy.journal.kept))]
    pauses = [event.data["after_s"] for event in events if event.kind == "retry"]
    assert 0.5 <= pauses[0] <= 1 <= pauses[1] <= 2  # type: ignore[operator]
    assert [event.data["attempt"] for event in events if event.kind == "step-started"] == [1, 2, 3]
    assert toy.kinds().count("found") == 1


def test_a_transient_error_is_tried_only_so_often():
    toy = raising(*[Transient("RP900", "No answer", "503", "Wait.")] * 9)
    assert go(toy) == "refused"
    refused = toy.last("step-refused").data
    assert (refused["code"], refused["why"]) == ("RP803", "RP900 No answer: 503")
    assert toy.kinds().count("retry") == toy.patience.attempts - 1


def test_a_hold_waits_and_says_so_once():
    toy = raising(*[Hold("RP815", "Nothing is written", "no lease", "Nothing.")] * 4)
    assert go(toy) == "done"
    assert toy.kinds().count("hold") == 1
    assert toy.kinds().count("step-started") == 1


def test_a_hold_has_a_deadline():
    toy = raising(*[Hold("RP815", "Nothing is written", "no lease", "Nothing.")] * 1000)
    begun = toy.clock.now()
    assert go(toy) == "refused"
    assert toy.clock.now() - begun == toy.patience.hold_s
    assert toy.last("step-refused").data["code"] == "RP801"


def test_what_refuses_stops_at_once_with_its_own_words():
    toy = raising(Refused("RP901", "The object is not taken", "a webhook says no", "Ask it."))
    assert go(toy) == "refused"
    assert toy.last("step-refused").data["code"] == "RP901"


def test_a_bug_stops_the_run_and_its_text_stays_out_of_the_journal():
    toy = raising(KeyError("password=hunter2"))
    assert go(toy) == "refused"
    told = str(toy.journal.kept)
    assert "KeyError" in told
    assert "hunter2" not in told
    assert toy.last("step-refused").data["code"] == "RP804"


def test_what_is_no_json_is_a_bug_and_is_not_written_down():
    class Bytes(Rename):
        async def found(self, at: Any) -> Any:
            return {"key": b"hunter2"}

    world = World()
    toy = Toy(plan=one_step(kind="toy.bytes"), world=world, more={"toy_bytes": Bytes(world)})
    assert go(toy) == "refused"
    assert "hunter2" not in str(toy.journal.kept)
    assert world.writes == []


def test_a_step_that_took_effect_before_the_crash_is_recognised():
    toy = Toy(plan=one_step())

    def die(what: str) -> None:
        raise Death

    toy.world.after_call = die
    with pytest.raises(Death):
        go(toy)
    toy.world.after_call = lambda _: None
    assert go(toy) == "done"
    assert toy.last("step-done").data == {"already": True}
    assert toy.world.calls.count("apply a") == 1


def test_a_step_without_checks_after_it_is_applied_again_after_a_crash():
    toy = Toy(plan=one_step(after=()))

    def die(what: str) -> None:
        if what.startswith("apply"):
            raise Death

    toy.world.before_call = die
    with pytest.raises(Death):
        go(toy)
    toy.world.before_call = lambda _: None
    assert go(toy) == "done"
    assert toy.world.writes == ["a=new-a"]


@pytest.mark.parametrize("word", ["rename-server", "align/1-a", "*"])
def test_an_approval_is_asked_for_before_the_step_and_any_of_its_names_will_do(word: str):
    toy = Toy(plan=one_step(approval="rename-server"))
    assert go(toy) == "waiting-for-approval"
    assert toy.world.calls == []
    assert toy.last("approval-needed").data["word"] == "rename-server"
    asyncio.run(toy.note("approved", word=word, who="alice", how="typed"))
    assert go(toy) == "done"


def test_an_approval_of_something_else_does_not_count():
    toy = Toy(plan=one_step(approval="rename-server"))
    asyncio.run(toy.begin())
    asyncio.run(toy.note("approved", word="hand-over", who="alice", how="typed"))
    assert go(toy) == "waiting-for-approval"


def test_a_point_of_no_return_needs_an_approval_of_its_step():
    toy = Toy(
        plan=plan((step("align", "a"),), no_return=(PointOfNoReturn(step="align/1-a", why="for good"),))
    )
    assert go(toy) == "waiting-for-approval"
    assert toy.last("approval-needed").data == {"word": "align/1-a", "why": "for good"}


def test_kinds_without_code_are_refused_before_the_first_step():
    toy = Toy(plan=plan((step("align", "a"),), (step("build", "b", kind="toy.unheard-of"),)))
    with pytest.raises(Refused, match=r"step toy\.unheard-of") as caught:
        go(toy)
    assert caught.value.code == "RP802"
    assert toy.world.calls == []


def test_undo_restores_what_was_found_not_what_is_usual():
    toy = Toy(world=World(names={"a": "odd", "b": "old-b", "c": "", "d": "new-d"}))
    before = dict(toy.world.names)
    assert go(toy) == "done"
    assert go(toy, "undo") == "undone"
    assert toy.world.names == before
    assert [call for call in toy.world.calls if call.startswith("undo")] == [
        "undo d",
        "undo c",
        "undo b",
        "undo a",
    ]


def test_undo_down_to_a_stage_leaves_that_stage():
    toy = Toy()
    assert go(toy) == "done"
    assert go(toy, "undo", "build") == "undone"
    assert toy.world.names == {"a": "new-a", "b": "new-b", "c": "new-c", "d": "old-d"}
    assert go(toy, "undo") == "undone"
    assert toy.world.names == World().names


def test_undo_passes_an_irreversible_step_over_and_says_why():
    toy = Toy(plan=plan((irreversible(step("align", "a")), step("align", "b"))))
    assert go(toy) == "done"
    assert go(toy, "undo") == "undone"
    assert toy.world.names["a"] == "new-a"
    assert toy.world.names["b"] == "old-b"
    assert toy.last("not-undone").data == {"why": "nobody remembers"}


def test_a_step_that_never_came_to_its_apply_has_nothing_to_undo():
    toy = Toy(plan=checked(), more={"toy_says": Says([failed("it is red", "Paint it.")])})
    assert go(toy) == "refused"
    assert go(toy, "undo") == "undone"
    assert "undo a" not in toy.world.calls


def test_a_step_can_be_applied_again_after_its_undo_and_looks_again():
    toy = Toy(plan=one_step())
    assert go(toy) == "done"
    assert go(toy, "undo") == "undone"
    toy.world.names["a"] = "somebody's"
    assert go(toy) == "done"
    assert toy.last("found").data == {"before": {"name": "somebody's"}}


def test_until_stops_after_that_stage_and_goes_on_from_there():
    toy = Toy()
    assert go(toy, "apply", "build") == "done"
    assert toy.world.names["d"] == "old-d"
    assert toy.last("run-done").data == {"until": "build"}
    assert go(toy, "apply") == "done"
    assert toy.world.names["d"] == "new-d"


def test_a_stage_that_the_plan_does_not_have_is_refused_by_name():
    with pytest.raises(Refused, match="align, build, settle") as caught:
        go(Toy(), "apply", "buidl")
    assert caught.value.code == "RP806"


def test_a_pause_asked_for_during_a_step_takes_effect_after_it():
    toy = Toy()

    def pause(what: str) -> None:
        if what == "apply b":
            toy.written("paused", why="lunch")

    toy.world.after_call = pause
    assert go(toy) == "paused"
    assert toy.world.names == {**World().names, "a": "new-a", "b": "new-b"}
    assert toy.kinds().count("paused") == 1
    asyncio.run(toy.note("resumed"))
    assert go(toy) == "done"


def test_a_step_that_only_waits_is_paused_at_once():
    toy = Toy(plan=checked("terraform.says"), more={"terraform_says": Says([waiting("still listed")] * 1000)})
    toy.clock.on_sleep = lambda: toy.written("paused", why="lunch")
    begun = toy.clock.now()
    assert go(toy) == "paused"
    assert toy.clock.now() - begun <= 3 * toy.patience.poll_s


def test_an_aborted_run_stops_too():
    toy = Toy()

    def abort(what: str) -> None:
        if what == "apply a":
            toy.written("aborted")

    toy.world.after_call = abort
    assert go(toy) == "aborted"
    assert toy.world.names["b"] == "old-b"


def test_receipts_of_writes_before_an_error_are_kept():
    world = World()

    class Half(Rename):
        async def apply(self, at: Any) -> Any:
            await super().apply(at)
            raise Refused("RP901", "The second half is refused", "403", "Ask.")

    toy = Toy(plan=one_step(kind="toy.half"), world=world, more={"toy_half": Half(world)})
    assert go(toy) == "refused"
    assert toy.last("step-refused").data["receipts"] == ["PUT a req-1"]


def test_a_refused_step_goes_on_after_its_cause_is_gone():
    toy = Toy(plan=checked(), more={"toy_says": Says([failed("it is red", "Paint it.")])})
    assert go(toy) == "refused"
    asyncio.run(toy.note("resumed"))
    assert go(toy) == "done"


def test_points_of_no_return_and_words_are_told_with_the_reason_of_the_plan():
    toy = Toy(plan=one_step(approval="hand-over", says="Take the guards off."))
    go(toy)
    assert "Take the guards off." in str(toy.last("approval-needed").data["why"])
    assert replace(step("align", "a")).approval == ""


def test_a_pass_that_rests_on_somebodys_approval_waits_for_it_before_the_step():
    async def judged(at: Any, params: Any) -> Verdict:
        return Verdict(outcome="pass", why="another judge", approval="judged-by-replank")

    toy = Toy(plan=checked(), more={"toy_says": judged})
    assert go(toy) == "waiting-for-approval"
    assert toy.world.writes == []
    assert toy.last("approval-needed").data == {"word": "judged-by-replank", "why": "another judge"}
    assert go(toy) == "waiting-for-approval"
    asyncio.run(toy.note("approved", word="judged-by-replank", who="alice", how="typed"))
    assert go(toy) == "done"
