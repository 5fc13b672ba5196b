"""The API server in memory: finalizers, preconditions, owners of fields, garbage."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from replank.domain.errors import Refused
from replank.ports.access import Conflict, ObjectRef
from replank.testbed.simulation.kube import SimulatedKube
from replank.testbed.simulation.objects import Objects
from replank.testbed.simulation.virtual_time import Stuck, VirtualLoop, run
from replank.testbed.world import ApiServer

REF = ObjectRef("example.org/v1", "Thing", "here", "one")


def api() -> SimulatedKube:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "here", "uid": "n"}}
    objects = Objects.of("test", [namespace], lambda: 0.0)
    return SimulatedKube(objects, ApiServer(version="v1.35.4", ca_cert="", server_cert="", server_key=""))


def thing(**spec: Any) -> dict[str, Any]:
    meta = {"namespace": "here", "name": "one"}
    return {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": meta, "spec": spec}


def done(coroutine: Any) -> Any:
    return asyncio.run(coroutine)


def test_an_apply_owns_its_fields_and_takes_back_what_it_leaves_out() -> None:
    async def play() -> None:
        kube = api()
        await kube.apply(thing(a=1, b=2))
        await kube.apply(thing(a=1))
        found = await kube.get(REF)
        assert found is not None
        assert found["spec"] == {"a": 1}
        assert [m["manager"] for m in found["metadata"]["managedFields"]] == ["replank"]

    done(play())


def test_an_apply_does_not_take_a_field_from_another_manager_unless_forced() -> None:
    async def play() -> None:
        kube = api()
        await kube.apply(thing(a=1))
        live = kube._objects.at(("example.org", "Thing", "here", "one"))
        assert live is not None
        kube._objects.put({**live, "spec": {"a": 5}}, "somebody")
        with pytest.raises(Refused, match="somebody"):
            await kube.apply(thing(a=1))
        assert (await kube.apply(thing(a=1), force=True))["spec"] == {"a": 1}

    done(play())


def test_a_dry_run_changes_nothing() -> None:
    async def play() -> None:
        kube = api()
        assert (await kube.apply(thing(a=1), dry_run=True))["spec"] == {"a": 1}
        assert await kube.get(REF) is None

    done(play())


def test_a_delete_wants_the_very_version_and_waits_for_finalizers() -> None:
    async def play() -> None:
        kube = api()
        made = await kube.apply(thing(a=1))
        held = await kube.merge(REF, {"metadata": {"finalizers": ["f"]}})
        uid = made["metadata"]["uid"]
        with pytest.raises(Conflict):
            await kube.delete(REF, uid=uid, resource_version=made["metadata"]["resourceVersion"])
        with pytest.raises(Conflict):
            await kube.delete(REF, uid="another")
        assert await kube.delete(REF, uid=uid, resource_version=held["metadata"]["resourceVersion"])
        deleting = await kube.get(REF)
        assert deleting is not None
        assert deleting["metadata"]["deletionTimestamp"]
        await kube.merge(REF, {"metadata": {"finalizers": None}})
        assert await kube.get(REF) is None
        assert not await kube.delete(REF, uid=uid)

    done(play())


def test_a_failed_test_of_a_json_patch_is_a_conflict() -> None:
    async def play() -> None:
        kube = api()
        await kube.apply(thing(a=1))
        with pytest.raises(Conflict):
            await kube.json_patch(REF, [{"op": "test", "path": "/spec/a", "value": 2}])
        patched = await kube.json_patch(REF, [{"op": "replace", "path": "/spec/a", "value": 3}])
        assert patched["spec"] == {"a": 3}

    done(play())


def test_nothing_stands_in_a_namespace_that_is_not_there() -> None:
    document = thing(a=1)
    document["metadata"]["namespace"] = "nowhere"
    with pytest.raises(Refused, match="not there"):
        done(api().apply(document))


def test_virtual_time_jumps_to_the_next_timer() -> None:
    loop = VirtualLoop(1000.0)

    async def play() -> float:
        await asyncio.sleep(86400)
        return asyncio.get_running_loop().time()

    assert run(loop, play()) == pytest.approx(87400.0)


def test_waiting_for_what_never_comes_is_an_error() -> None:
    loop = VirtualLoop(0.0)

    async def play() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck):
        run(loop, play())
