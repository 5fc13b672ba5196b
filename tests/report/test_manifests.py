"""Manifests as files: complete, in the order of the stages, no Secret that kubectl would apply empty."""

from __future__ import annotations

import re

import yaml as kubectl_like  # YAML 1.1, as kubectl reads it
from hostile import hostile_plan
from sample_plan import sample_plan

from replank.report.manifests import SECRETS, manifest_files


def test_every_manifest_stands_in_one_file_and_reads_as_planned() -> None:
    plan = sample_plan()
    found = {}
    for name, text in manifest_files(plan).items():
        if name != SECRETS:
            for document in kubectl_like.safe_load_all(text):
                key = f"{document['kind']}/{document['metadata']['name']}"
                assert key not in found
                found[key] = document
    assert found == plan.manifests


def test_files_are_numbered_in_the_order_in_which_stages_apply_them() -> None:
    assert list(manifest_files(sample_plan())) == [
        "00-namespace.yaml",
        SECRETS,
        "30-infrastructure.yaml",
        "40-workers.yaml",
        "50-control-plane.yaml",
    ]


def test_a_manifest_that_no_step_applies_is_not_lost() -> None:
    plan = sample_plan(stages=())
    assert "10-other.yaml" in manifest_files(plan)


def test_secrets_are_a_template_that_kubectl_does_not_take_from_a_folder() -> None:
    text = manifest_files(sample_plan())[SECRETS]
    assert not SECRETS.endswith((".yaml", ".yml", ".json"))
    assert "  tls.key: # from plain-cp-1:/etc/kubernetes/pki/ca.key\n" in text
    for document in kubectl_like.safe_load_all(text):
        assert document["kind"] == "Secret"
        assert set(document["data"].values()) == {None}


def test_no_text_of_a_plan_escapes_its_comment_or_makes_a_path() -> None:
    plan = hostile_plan(sample_plan(cluster="x\nkind: Evil"))
    for name, text in manifest_files(plan).items():
        assert re.fullmatch(r"[0-9]{2}-[a-z0-9-]+\.yaml(\.template)?", name), name
        assert "\nkind: Evil" not in text
        assert all(d["kind"] for d in kubectl_like.safe_load_all(text))
