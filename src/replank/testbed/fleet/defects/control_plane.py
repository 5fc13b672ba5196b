"""Defects of control-plane machines: keys, etcd, manifests, files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import yaml

from replank.testbed.fleet.components import AUDIT_FILE, PKI
from replank.testbed.fleet.defects.defect import Defect, last_control_plane, second_control_plane
from replank.testbed.fleet.hosts.cluster_pki import api_server_certificate
from replank.testbed.fleet.hosts.machines import etcd_lines, member_id
from replank.testbed.fleet.layout import MachineLayout
from replank.testbed.fleet.made import Made
from replank.testbed.fleet.yaml_text import to_yaml
from replank.testbed.world import Document


def _ca_key_missing(made: Made) -> None:
    """An external CA: the key lies in a safe."""
    for machine in made.layout.control_planes:
        del made.host(machine).files[f"{PKI}/ca.key"]


def _etcd_ca_key_missing(made: Made) -> None:
    del made.host(second_control_plane(made.layout)).files[f"{PKI}/etcd/ca.key"]


def _etcd_member_name(made: Made) -> None:
    """The machine's host name was changed after etcd had joined."""
    machine = last_control_plane(made.layout)
    name = f"etcd-{machine.index + 1}"

    def rename(member: Document) -> None:
        if member["ID"] == str(member_id(made.layout, machine)):
            member["name"] = name

    _members(made, rename)
    _edit(made, machine, "etcd", f"--name={machine.name}", f"--name={name}")


def _etcd_learner(made: Made) -> None:
    """A join that stopped half-way."""
    wanted = str(member_id(made.layout, last_control_plane(made.layout)))

    def learn(member: Document) -> None:
        if member["ID"] == wanted:
            member["isLearner"] = True

    _members(made, learn)


def _etcd_alarm(made: Made) -> None:
    _, status = etcd_lines()
    for machine in made.layout.control_planes:
        host = made.host(machine)
        document = json.loads(host.commands[status])
        document |= {"dbSize": "8589934592", "errors": ["memberID:1 alarm:NOSPACE "]}
        host.commands[status] = json.dumps(document)


def _certificate_near_expiry(made: Made) -> None:
    machine = second_control_plane(made.layout)
    pair = api_server_certificate(
        made.layout, made.pki, machine, not_after=made.layout.now + timedelta(days=12)
    )
    files = made.host(machine).files
    files[f"{PKI}/apiserver.crt"].content = pair.cert.encode()
    files[f"{PKI}/apiserver.key"].content = pair.key.encode()


def _hand_edited(made: Made) -> None:
    """Somebody raised the verbosity and opened anonymous access on one machine, in an emergency."""
    machine = second_control_plane(made.layout)
    first = "--advertise-address="
    _edit(made, machine, "kube-apiserver", first, "--anonymous-auth=true", insert=True)
    _edit(made, machine, "kube-apiserver", first, "--v=6", insert=True)


def _audit_policy_differs(made: Made) -> None:
    entry = made.host(second_control_plane(made.layout)).files[AUDIT_FILE]
    entry.content = entry.content.replace(b"Metadata", b"RequestResponse")


def _referenced_file_missing(made: Made) -> None:
    made.host(second_control_plane(made.layout)).files.pop(AUDIT_FILE)


def _labels_missing(made: Made) -> None:
    machine = second_control_plane(made.layout)
    made.object("Pod", f"kube-scheduler-{machine.name}")["metadata"].pop("labels")


def _members(made: Made, change: Callable[[Document], None]) -> None:
    members, _ = etcd_lines()
    for machine in made.layout.control_planes:
        host = made.host(machine)
        document = json.loads(host.commands[members])
        for member in document["members"]:
            change(member)
        host.commands[members] = json.dumps(document)


def _edit(
    made: Made, machine: MachineLayout, component: str, old: str, new: str, *, insert: bool = False
) -> None:
    """Replaces the argument that starts with `old`, or inserts `new` behind it; in the mirror pod too."""
    entry = made.host(machine).files[f"/etc/kubernetes/manifests/{component}.yaml"]
    document: Document = yaml.safe_load(entry.content)
    pod = made.object("Pod", f"{component}-{machine.name}")
    for spec in (document["spec"], pod["spec"]):
        command = spec["containers"][0]["command"]
        place = next(index for index, word in enumerate(command) if word.startswith(old))
        command[place : place + 1] = [command[place], new] if insert else [new]
    entry.content = to_yaml(document).encode()


DEFECTS = (
    Defect("ca-key-missing", "the cluster CA's key is on no machine", _ca_key_missing),
    Defect("etcd-ca-key-missing", "one control plane lacks the etcd CA's key", _etcd_ca_key_missing),
    Defect("etcd-member-name", "an etcd member is not named as its Node", _etcd_member_name),
    Defect("etcd-learner", "an etcd member is a learner", _etcd_learner),
    Defect("etcd-alarm", "etcd is full and says so", _etcd_alarm),
    Defect(
        "certificate-near-expiry", "an API server's certificate expires in 12 days", _certificate_near_expiry
    ),
    Defect("manifest-edited", "a static pod manifest was edited by hand", _hand_edited),
    Defect("audit-policy-differs", "the audit policy differs on one control plane", _audit_policy_differs),
    Defect("audit-policy-missing", "a control plane lacks the audit policy file", _referenced_file_missing),
    Defect("static-pod-labels", "a static pod lacks kubeadm's labels", _labels_missing),
)
