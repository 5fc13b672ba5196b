"""Defects of the state."""

from __future__ import annotations

import copy

from replank.testbed.fleet.defects.defect import Defect, last_worker, second_worker
from replank.testbed.fleet.made import Made

_INSTANCE = "openstack_compute_instance_v2"


def _tainted(made: Made) -> None:
    made.state_instance(_INSTANCE, second_worker(made.layout).server_id)["status"] = "tainted"


def _deposed(made: Made) -> None:
    """create_before_destroy whose destroy failed: the old server is still in the state, and gone."""
    machine = last_worker(made.layout)
    for resource in made.state_resources(_INSTANCE):
        for instance in resource["instances"]:
            if instance["attributes"]["id"] == machine.server_id:
                old = copy.deepcopy(instance)
                old["attributes"]["id"] = made.layout.id("deposed-server")
                old["deposed"] = made.layout.mint.hex_id("deposed", made.layout.name, length=8)
                resource["instances"].append(old)
                return
    raise LookupError(f"{machine.name} is not in the state")


def _locked(made: Made) -> None:
    path = next(iter(made.cluster.state_files))
    made.cluster.state_locks[path] = {
        "ID": made.layout.id("state-lock"),
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "ops@jump-1",
        "Version": "1.9.8",
        "Created": f"{made.layout.timestamp(86400 * 89)[:-1]}.120311Z",
        "Path": "terraform.tfstate",
    }


def _claims_foreign_server(made: Made) -> None:
    """A server that moved to another cluster's configuration and was never forgotten here."""
    if not made.others:
        raise LookupError(f"{made.layout.name} has no cluster before it")
    other = made.others[-1]
    machine = last_worker(other.layout)
    theirs = copy.deepcopy(other.state_instance(_INSTANCE, machine.server_id))
    theirs.pop("index_key", None)
    theirs.pop("dependencies", None)
    template = copy.deepcopy(next(made.state_resources(_INSTANCE)))
    template |= {"name": "borrowed", "instances": [theirs]}
    template.pop("each", None)
    made.state()["resources"].append(template)


def _not_in_state(made: Made) -> None:
    """A worker made by hand, beside Terraform."""
    machine = last_worker(made.layout)
    for kind, id in ((_INSTANCE, machine.server_id), ("openstack_networking_port_v2", machine.port_id)):
        for resource in made.state_resources(kind):
            resource["instances"] = [i for i in resource["instances"] if i["attributes"]["id"] != id]


DEFECTS = (
    Defect("tainted", "a worker's server is tainted in the state", _tainted),
    Defect("deposed", "the state holds a deposed server", _deposed),
    Defect("state-locked", "somebody holds the state's lock", _locked),
    Defect("foreign-server", "the state claims a server of another cluster", _claims_foreign_server),
    Defect("not-in-state", "a worker stands in no state", _not_in_state),
)
