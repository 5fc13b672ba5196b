"""The simulated controllers adopt what is right, and do to what is wrong what the real ones did."""

from __future__ import annotations

import asyncio

from hand import OWNERS, Hand

from replank.ports.access import ObjectRef
from replank.testbed.simulation.labels import CONTROL_PLANE, FINALIZERS, labels_of


def test_a_right_plan_is_adopted_and_nothing_is_made() -> None:
    hand = Hand("3+2", roles=("reader",))

    async def play(hand: Hand) -> None:
        await hand.write()
        await hand.unpause(*OWNERS)

    broken = hand.go(play)
    assert [b for b in broken if "credential" not in b] == []
    owners = {
        m["metadata"]["name"]: next(
            o["kind"] for o in m["metadata"]["ownerReferences"] if o.get("controller")
        )
        for m in hand.live("Machine")
    }
    assert sorted(owners.values()) == ["KubeadmControlPlane"] * 3 + ["MachineSet"] * 2
    assert all(m["status"]["nodeRef"]["name"] == m["metadata"]["name"] for m in hand.live("Machine"))
    servers = {s["metadata"]["name"]: s["status"]["instanceID"] for s in hand.live("OpenStackServer")}
    assert servers == {m.machine: m.server_id for m in hand.plan.machines}


def test_a_wrong_port_name_makes_a_port() -> None:
    """Trap 4."""
    hand = Hand(named=False)

    async def play(hand: Hand) -> None:
        await hand.write()
        await hand.unpause()

    broken = hand.go(play)
    assert sum(b.startswith("port ") and b.endswith("created") for b in broken) == 2


def test_a_credential_that_only_reads_makes_none() -> None:
    hand = Hand(named=False, roles=("reader",))

    async def play(hand: Hand) -> None:
        await hand.write()
        await hand.unpause()

    assert not [b for b in hand.go(play) if b.startswith("port ")]
    assert any("403" in line for line in hand.trace)


def test_a_control_plane_without_machines_loses_its_etcd_member() -> None:
    """Trap 2: it makes a machine of its own; once that has its Node the legacy member is removed."""
    hand = Hand()

    async def play(hand: Hand) -> None:
        await hand.write(without=("Machine/one-cp", "KubeadmConfig/one-cp", "OpenStackMachine/one-cp"))
        await hand.unpause("KubeadmControlPlane")
        await asyncio.sleep(120)

    broken = hand.go(play)
    assert "KubeadmControlPlane unpaused without Machines ['one-cp-1']" in broken
    assert "etcd member one-cp-1 removed" in broken


def test_a_deployment_without_its_machine_set_makes_all_machines_anew() -> None:
    """Trap 2."""
    hand = Hand("3+2")

    async def play(hand: Hand) -> None:
        await hand.write(without=("MachineSet/",))
        await hand.unpause("MachineDeployment")

    broken = hand.go(play)
    assert sum(b.startswith("Machine three-worker-") and b.endswith("was made") for b in broken) == 2
    assert sum(b.startswith("server ") and b.endswith("created") for b in broken) == 2


def test_an_authority_without_its_secret_is_made_anew() -> None:
    """Trap 3."""
    hand = Hand()

    async def play(hand: Hand) -> None:
        ref = ObjectRef("v1", "Secret", hand.plan.namespace, "one-proxy")
        secret = await hand.access.management.get(ref)
        assert secret is not None
        await hand.access.management.delete(ref, uid=secret["metadata"]["uid"])
        await hand.write()
        await hand.unpause("KubeadmControlPlane")

    assert "Secret one-proxy was made by a controller" in hand.go(play)


def test_a_configuration_without_the_control_plane_label_is_never_adopted() -> None:
    """Section 9.1."""
    hand = Hand()

    async def play(hand: Hand) -> None:
        await hand.write()
        await hand.patch("KubeadmConfig", {"metadata": {"labels": {CONTROL_PLANE: None}}})
        await hand.unpause("KubeadmControlPlane")

    hand.go(play)
    machine = next(m for m in hand.live("Machine") if CONTROL_PLANE in labels_of(m))
    assert not any(o["kind"] == "KubeadmControlPlane" for o in machine["metadata"].get("ownerReferences", []))


def test_a_deletion_with_the_finalizer_takes_the_server_and_its_port() -> None:
    hand = Hand()

    async def play(hand: Hand) -> None:
        await hand.write()
        await hand.unpause()
        server = hand.live("OpenStackServer")[0]
        ref = ObjectRef.of(server)
        await hand.access.management.delete(ref, uid=server["metadata"]["uid"])

    broken = hand.go(play)
    assert sum(b.startswith("server ") and b.endswith("deleted") for b in broken) == 1
    assert sum(b.startswith("port ") and b.endswith("deleted") for b in broken) == 1


def test_a_locked_server_and_a_reader_credential_stop_a_deletion() -> None:
    for roles, lock in ((("member",), True), (("reader",), False)):
        hand = Hand(roles=roles)

        async def play(hand: Hand, lock: bool = lock) -> None:
            if lock:
                for machine in hand.plan.machines:
                    await hand.access.cloud.lock_server(machine.server_id, "test")
            await hand.write()
            await hand.unpause()
            server = hand.live("OpenStackServer")[0]
            await hand.access.management.delete(ObjectRef.of(server), uid=server["metadata"]["uid"])

        assert not [b for b in hand.go(play) if b.endswith(" deleted")]


def test_hooks_hold_a_machine_that_is_deleted() -> None:
    hand = Hand()

    async def play(hand: Hand) -> None:
        await hand.write()
        await hand.unpause()
        machine = next(m for m in hand.live("Machine") if CONTROL_PLANE not in labels_of(m))
        await hand.access.management.delete(ObjectRef.of(machine), uid=machine["metadata"]["uid"])

    assert not [b for b in hand.go(play) if b.endswith(" deleted")]
    assert any("WaitingForPreDrainHook" in line for line in hand.trace)


def test_finalizers_are_put_back_under_the_pause() -> None:
    hand = Hand()

    async def play(hand: Hand) -> None:
        await hand.write()
        await hand.patch("Machine", {"metadata": {"finalizers": None}})

    hand.go(play)
    assert all(FINALIZERS["Machine"] in m["metadata"]["finalizers"] for m in hand.live("Machine"))


def test_a_control_plane_without_its_owner_says_nothing_under_the_pause() -> None:
    """It has neither finalizer nor condition before the Cluster is its owner (v1.14.0)."""
    hand = Hand()

    async def play(hand: Hand) -> None:
        await hand.write()

    hand.go(play)
    kcp = hand.live("KubeadmControlPlane")[0]
    assert "finalizers" not in kcp["metadata"]
    assert "status" not in kcp
