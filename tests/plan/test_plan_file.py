"""What the plan file promises: it says everything, loads again exactly, and refuses what it did not write."""

from __future__ import annotations

import dataclasses
import random

import pytest
import yaml as second_reader  # PyYAML: another reader of YAML (1.1), as kubectl users have
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plan_strategies import OBJECT, PLANS

from replank.domain.errors import Refused
from replank.plan import codec
from replank.plan.takeover import LoadBalancerChoice, TakeoverPlan, Targets
from replank.plan.yaml_reader import read_yaml
from replank.plan.yaml_writer import write_yaml

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def small_plan(**changes: object) -> TakeoverPlan:
    plan = TakeoverPlan(
        migration="takeover",
        cluster="plain",
        namespace="fleet",
        made_by="replank 0.1.0",
        snapshot_sha256="ab" * 32,
        targets=Targets(),
        kubernetes_version="v1.34.4",
        ready=True,
        settings={"load_balancer": "auto"},
        load_balancer=LoadBalancerChoice(mode="none", why="none was seen", endpoint="10.0.0.10:6443"),
        machines=(),
        groups=(),
        ownership=(),
        forget=(),
        findings=(),
        points_of_no_return=(),
        stages=(),
        secrets=(),
        manifests={"Cluster/plain": {"kind": "Cluster", "apiVersion": "cluster.x-k8s.io/v1beta2"}},
    )
    return dataclasses.replace(plan, **changes)  # type: ignore[arg-type]


def refused(text: str | bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        codec.load(text.encode() if isinstance(text, str) else text, where="p.yaml")
    return caught.value


@SLOW
@given(PLANS)
def test_a_plan_loads_again_exactly(plan: TakeoverPlan) -> None:
    text = codec.dump(plan)
    again = codec.load(text.encode(), where="p.yaml")
    assert again == plan
    assert codec.dump(again) == text
    assert codec.sha256(again) == codec.sha256(plan)


@SLOW
@given(OBJECT)
def test_another_yaml_reader_sees_the_same_values(value: dict[str, object]) -> None:
    text = write_yaml(value)
    assert read_yaml(text.encode(), where="x").value == value
    # PyYAML cannot read a BOM inside quotes; everything else must be the same for it.
    if "\ufeff" not in text:
        assert second_reader.safe_load(text) == value


@SLOW
@given(PLANS, st.randoms(use_true_random=False))
def test_equal_plans_give_equal_bytes_whatever_order_their_mappings_were_made_in(
    plan: TakeoverPlan, rng: random.Random
) -> None:
    def shuffled(value: object) -> object:
        if isinstance(value, dict):
            items = [(k, shuffled(v)) for k, v in value.items()]
            rng.shuffle(items)
            return dict(items)
        return [shuffled(v) for v in value] if isinstance(value, list) else value

    other = dataclasses.replace(
        plan,
        settings=shuffled(dict(plan.settings)),
        manifests=shuffled(dict(plan.manifests)),
    )
    assert codec.dump(other) == codec.dump(plan)


def test_the_file_begins_with_how_to_review_it_and_shows_no_empty_default() -> None:
    text = codec.dump(small_plan())
    assert text.startswith("# A replank plan")
    assert "\nschema: replank.plan/v1\nsha256: " in text
    assert "load_balancer_id" not in text
    assert text.index("\nready:") < text.index("\nmachines:") < text.index("\nmanifests:")


def test_manifest_lines_stay_readable() -> None:
    manifest = {"spec": {"b": 1}, "metadata": {"labels": {}, "name": "x"}, "apiVersion": "v1", "kind": "K"}
    text = codec.dump(small_plan(manifests={"K/x": manifest}))
    assert "  K/x:\n    apiVersion: v1\n    kind: K\n    metadata:\n      name: x\n" in text


def test_a_heading_holds_no_line_of_its_own_from_the_cluster_name() -> None:
    text = codec.dump(small_plan(cluster="x\nready: true\n# "))
    assert codec.load(text.encode(), where="p").cluster == "x\nready: true\n# "
    assert all(line.startswith("#") for line in text.splitlines()[:11] if line)


def test_an_unknown_key_is_refused_with_its_line() -> None:
    text = codec.dump(small_plan())
    line = next(i for i, t in enumerate(text.splitlines(), 1) if t.startswith("  capo:"))
    error = refused(text.replace("  capo: v0.14.7", "  capu: v0.14.7"))
    assert (error.code, error.where) == ("RP034", f"p.yaml:{line}")
    assert "targets.capu" in error.why


def test_an_edited_value_is_refused() -> None:
    error = refused(codec.dump(small_plan()).replace("ready: true", "ready: false"))
    assert error.code == "RP035"


def test_a_comment_does_not_count_as_an_edit() -> None:
    text = codec.dump(small_plan()).replace("ready: true", "ready: true  # looked at by two people")
    assert codec.load(text.encode(), where="p").ready


def test_a_plan_without_its_hash_is_refused() -> None:
    text = "\n".join(x for x in codec.dump(small_plan()).splitlines() if not x.startswith("sha256:"))
    assert refused(text).code == "RP035"


def test_text_in_place_of_a_boolean_is_not_coerced() -> None:
    error = refused(codec.dump(small_plan()).replace("ready: true", 'ready: "true"'))
    assert (error.code, "ready" in error.why) == ("RP034", True)


def test_another_schema_is_named() -> None:
    error = refused(codec.dump(small_plan()).replace("replank.plan/v1", "replank.plan/v9"))
    assert (error.code, "replank.plan/v9" in error.why) == ("RP033", True)


def test_every_truncation_is_refused() -> None:
    text = codec.dump(small_plan()).rstrip("\n")
    for length in range(0, len(text), 7):
        assert refused(text[:length]).code in {"RP032", "RP033", "RP034", "RP035"}, length


@pytest.mark.parametrize(
    "text",
    [
        "schema: &a replank.plan/v1\n",
        "schema: *a\n",
        "schema: !!python/object/apply:os.system [x]\n",
        "a: 1\na: 2\n",
        "a: 1\n---\nb: 2\n",
        "? [a]\n: b\n",
        "a: " + "[" * 80 + "]" * 80 + "\n",
    ],
)
def test_yaml_that_replank_never_writes_is_refused_with_its_line(text: str) -> None:
    error = refused(text)
    assert error.code == "RP036"
    assert error.where.startswith("p.yaml:")


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
    )
    assert (refused(bomb).code, refused(bomb).where) == ("RP036", "p.yaml:1")


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"- a\n", b"just text", b"a: [1", b"a: 'x", b"\x00", b"a\n b: c"]
)
def test_what_is_no_mapping_is_refused(data: bytes) -> None:
    assert refused(data).code == "RP032"


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.binary(max_size=60), st.text("%!&*-?:|>'\"[]{}#, \n\tabc01\\x", max_size=40).map(str.encode))
)
def test_no_bytes_bring_anything_but_refused(data: bytes) -> None:
    assert refused(data).code in {"RP032", "RP033", "RP036"}
