"""`replank show` of a plan that changes objects of Cluster API."""

from __future__ import annotations

import io

from aligned_world import World, on_docker
from rich.console import Console

from replank.report.terminal.swap_view import swap_view


def shown(world: World) -> str:
    text = io.StringIO()
    Console(file=text, width=200, color_system=None).print(swap_view(world.plan))
    return text.getvalue()


def test_each_change_is_shown_as_it_was_and_as_it_becomes() -> None:
    world = World(bend=on_docker)
    text = shown(world)
    assert world.plan.cluster_api is not None
    for alignment in world.plan.cluster_api.alignments:
        for edit in alignment.edits:
            assert edit.object in text
            assert f"- {edit.was}" in text
            assert not edit.becomes or f"+ {edit.becomes}" in text
    for template in world.plan.cluster_api.templates:
        assert f"new OpenStackMachineTemplate {template.name}" in text
        assert template.image_was in text


def test_where_nothing_changes_it_says_so() -> None:
    world = World()
    world.plan = world.planned(image="")
    assert "None of its objects is changed." in shown(world)
