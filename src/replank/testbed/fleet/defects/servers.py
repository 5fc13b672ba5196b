"""Defects of servers, their images and names."""

from __future__ import annotations

import copy

from replank.testbed.fleet.defects.defect import Defect, first_worker, last_worker, third_worker
from replank.testbed.fleet.defects.nodes import not_ready
from replank.testbed.fleet.made import Made


def _gone(made: Made) -> None:
    machine = last_worker(made.layout)
    made.documents("compute", "servers").remove(made.server(machine))
    made.documents("network", "ports").remove(made.port(machine))
    made.host(machine).up = False
    not_ready(made, machine)


def _shut_off(made: Made) -> None:
    machine = third_worker(made.layout)
    server = made.server(machine)
    server["status"] = "SHUTOFF"
    server["OS-EXT-STS:vm_state"] = "stopped"
    server["OS-EXT-STS:power_state"] = 4
    made.host(machine).up = False
    not_ready(made, machine)


def _locked(made: Made) -> None:
    server = made.server(first_worker(made.layout))
    server["locked"] = True
    server["locked_reason"] = "do not touch, see ticket"


def _resizing(made: Made) -> None:
    made.server(first_worker(made.layout))["OS-EXT-STS:task_state"] = "resize_migrating"


def _image_gone(made: Made) -> None:
    """The cluster was made from an older image of the same name, which somebody has deleted since."""
    gone = made.layout.id("deleted-image")
    for machine in made.layout.machines:
        instance = made.state_instance("openstack_compute_instance_v2", machine.server_id)
        if machine.boot == "image":
            made.server(machine)["image"] = {"id": gone, "links": []}
            instance["attributes"]["image_id"] = gone
        else:
            volume = made.document("block-storage", "volumes", machine.root_volume_id)
            volume["volume_image_metadata"]["image_id"] = gone
            instance["attributes"]["block_device"][0]["uuid"] = gone


def _image_deactivated(made: Made) -> None:
    image = made.layout.cloud.image_id(made.layout.spec.version)
    made.document("image", "images", image)["status"] = "deactivated"


def _uppercase_name(made: Made) -> None:
    """Kubelet lowers the host name, so the Node keeps its name."""
    machine = last_worker(made.layout)
    name = machine.name.title()
    made.server(machine)["name"] = name
    made.state_instance("openstack_compute_instance_v2", machine.server_id)["attributes"]["name"] = name
    made.host(machine).server_name = name


def _same_name(made: Made) -> None:
    """Somebody made another server of the same name by hand."""
    machine = first_worker(made.layout)
    twin = copy.deepcopy(made.server(machine))
    twin |= {
        "id": made.layout.id("duplicate-server"),
        "status": "SHUTOFF",
        "addresses": {},
        "metadata": {},
        "OS-EXT-STS:vm_state": "stopped",
        "os-extended-volumes:volumes_attached": [],
    }
    made.documents("compute", "servers").append(twin)


DEFECTS = (
    Defect("server-gone", "a worker's server and port are gone from the cloud", _gone),
    Defect("server-shutoff", "a worker's server is switched off", _shut_off),
    Defect("server-locked", "a worker's server is locked in Nova", _locked),
    Defect("server-resizing", "a worker's server has a task under way", _resizing),
    Defect("image-gone", "the image that the servers were made from is deleted", _image_gone),
    Defect("image-deactivated", "the image is deactivated in Glance", _image_deactivated),
    Defect("uppercase-name", "a worker's server name has capital letters", _uppercase_name),
    Defect("same-name", "two servers of the project have one name", _same_name),
)
