"""The namespace goes only if the takeover made it and it is empty."""

from __future__ import annotations

from adopted import World, golden

from replank.ports.access import Document


def thing(kind: str, name: str, version: str = "v1") -> Document:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "fleet"}}


def made() -> World:
    world = World()
    world.apply(world.step("credentials/namespace"))
    return world


def test_an_empty_one_that_was_made_goes() -> None:
    world = made()
    world.management.put(thing("ConfigMap", "kube-root-ca.crt"))
    assert world.undo(world.step("credentials/namespace"))["namespace"] == "deleted"
    assert world.management.named("Namespace") == []


def test_one_that_was_there_stays() -> None:
    world = World()
    world.management.put(dict(golden().manifests["Namespace/fleet"]))
    world.apply(world.step("credentials/namespace"))
    world.undo(world.step("credentials/namespace"))
    assert world.management.named("Namespace") == ["fleet"]


def test_one_with_somebodys_things_stays_and_says_why() -> None:
    world = made()
    world.management.put(thing("ConfigMap", "settings"))
    assert "ConfigMap/settings" in world.undo(world.step("credentials/namespace"))["namespace"]
    assert world.management.named("Namespace") == ["fleet"]


def test_one_that_cannot_be_looked_through_stays() -> None:
    world = made()
    world.management.unlistable.add("ConfigMap")
    assert "ConfigMap" in world.undo(world.step("credentials/namespace"))["namespace"]
    assert world.management.named("Namespace") == ["fleet"]


def test_one_where_an_api_does_not_say_what_it_serves_stays() -> None:
    world = made()
    group = {"name": "x.example.org", "versions": [{"groupVersion": "x.example.org/v1"}]}
    world.management.documents["/apis"]["groups"].append(group)
    assert "x.example.org/v1" in world.undo(world.step("credentials/namespace"))["namespace"]
    assert world.management.named("Namespace") == ["fleet"]


def test_one_that_is_gone_is_no_error() -> None:
    world = made()
    world.undo(world.step("credentials/namespace"))
    assert world.undo(world.step("credentials/namespace"))["namespace"] == "gone"
