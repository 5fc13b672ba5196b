"""Edits of the kubelet's files change what they must, and nothing else."""

from __future__ import annotations

import pytest

from replank.domain.errors import Refused
from replank.migrations.runtime_swap.translation.kubelet_files import edit_flags, with_keys


def _keep(name: str, value: str) -> str | None:
    return {"drop": None, "change": "new"}.get(name, value)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('A="--drop=1 --stay=2 --change=3"\n', 'A="--stay=2 --change=new"\n'),
        ("A='--stay 2 --change 3'\n", "A='--stay 2 --change=new'\n"),
        ("A=--drop=1\n", "A=\n"),
        ("A=--stay --change=1\n", 'A="--stay --change=new"\n'),
        ("# --drop=1\n\nB=x\n", "# --drop=1\n\nB=x\n"),
        ('A="--stay=a,b"  \n', 'A="--stay=a,b"  \n'),
        ('A="-v 2 --drop"', 'A="-v 2"'),
    ],
)
def test_flags_are_dropped_and_changed_in_place(before: str, after: str):
    assert edit_flags(before, _keep, {}) == after


def test_a_flag_is_added_once():
    text = 'KUBELET_KUBEADM_ARGS="--stay=1"\nOTHER="--stay=2"\n'
    added = edit_flags(text, _keep, {"KUBELET_KUBEADM_ARGS": ["--new=3"]})
    assert added == 'KUBELET_KUBEADM_ARGS="--stay=1 --new=3"\nOTHER="--stay=2"\n'
    assert edit_flags(added, _keep, {"KUBELET_KUBEADM_ARGS": ["--new=3"]}) == added


@pytest.mark.parametrize("text", ['A="--x=\\"1\\""\n', "A=--x='a b'\n", 'A="--x=1 \\\n  --y=2"\n'])
def test_what_cannot_be_taken_apart_is_not_touched(text: str):
    with pytest.raises(ValueError):
        edit_flags(text, _keep, {})


def test_keys_are_set_and_other_lines_stay():
    text = "# kept\nkind: KubeletConfiguration\nmaxPods: 10 # why\nnested:\n  maxPods: 3\n"
    edited = with_keys(text, {"maxPods": 20, "containerLogMaxSize": "10M"}, where="config.yaml")
    assert edited == text.replace("10 # why", "20") + 'containerLogMaxSize: "10M"\n'


@pytest.mark.parametrize("text", ["{maxPods: 10}\n", "maxPods: >-\n  10\nkind: x\n", '"maxPods": 10\n'])
def test_a_file_that_is_not_one_key_a_line_is_not_touched(text: str):
    with pytest.raises((ValueError, Refused)):
        with_keys(text, {"maxPods": 20}, where="config.yaml")
