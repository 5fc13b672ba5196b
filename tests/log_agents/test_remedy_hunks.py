"""What a record keeps of a remedy puts every byte back and holds no secret; who keeps a ConfigMap."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.inventory.kept_by import kept_by
from replank.migrations.runtime_swap.log_agents.hunks import hunks, look_secret, stands, taken_back

KEPT = [
    ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "Helm"),
    ({"annotations": {"meta.helm.sh/release-name": "logs"}}, "Helm (release) logs"),
    ({"annotations": {"argocd.argoproj.io/tracking-id": "a:b"}}, "Argo CD"),
    ({"labels": {"argocd.argoproj.io/instance": "a"}}, "Argo CD"),
    (
        {"labels": {"kustomize.toolkit.fluxcd.io/name": "x", "app.kubernetes.io/managed-by": "Helm"}},
        "Flux (Kustomization) x",
    ),
    ({"ownerReferences": [{"kind": "Agent", "name": "a", "controller": True}]}, "Agent a"),
    ({"managedFields": [{"manager": "argocd-controller", "fieldsV1": {"f:data": {}}}]}, "Argo CD"),
    ({"managedFields": [{"manager": "helm", "fieldsV1": {"f:metadata": {}}}]}, ""),
    ({"labels": {"app": "x"}, "ownerReferences": [{"kind": "Agent", "name": "a"}]}, ""),
]


@pytest.mark.parametrize(("metadata", "keeper"), KEPT)
def test_who_keeps_a_config_map_is_told_by_its_metadata(metadata: dict[str, Any], keeper: str) -> None:
    assert kept_by(metadata) == keeper


LINES = st.lists(st.sampled_from(("a", "b", "  c", "pass: x", "")), max_size=12)


@given(before=LINES, after=LINES, ends=st.booleans(), elsewhere=st.sampled_from(("\n", "\r\n")))
def test_the_way_back_gives_every_byte(
    before: list[str], after: list[str], ends: bool, elsewhere: str
) -> None:
    old = elsewhere.join(before) + (elsewhere if ends else "")
    new = elsewhere.join(after)
    places = hunks(old, new)
    assert stands(new, places) == "changed"
    assert taken_back(new, places) == old


@given(text=LINES, at=st.integers(0, 11))
def test_a_place_with_another_line_is_not_taken_for_the_remedys(text: list[str], at: int) -> None:
    old = "".join(f"{line}\n" for line in ["top", *text, "old", "end"])
    new = old.replace("old\n", "new\nmore\n")
    changed = new.splitlines(keepends=True)
    changed.insert(min(at, len(text)), "somebody's\n")
    assert stands("".join(changed), hunks(old, new)) == "otherwise"


def test_a_hunk_that_may_hold_a_secret_is_known() -> None:
    assert look_secret("a\npassword: x\n", "a\n")
    assert look_secret("a\n", "a\ntoken: x\n")
    assert not look_secret("password: x\nParser docker\n", "password: x\nParser cri\n")
