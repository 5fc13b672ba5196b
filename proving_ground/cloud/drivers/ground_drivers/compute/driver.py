# ruff: noqa: ARG002 - the signatures are OpenStack's
"""Nova's virt driver: a server is a container that boots systemd, with the fixed address and MAC of its port
and a config drive written by Nova's own code, so that an unchanged cloud-init runs the user data.

What real hypervisors do with disks, volumes and migration is Nova's fake driver's. Nova loads drivers from
its name space `nova.virt` only; the image links this file there."""

from __future__ import annotations

import contextlib
import io
import shutil
import tarfile
from typing import ClassVar

from docker.errors import APIError, NotFound
from docker.models.containers import Container
from nova import exception
from nova.api.metadata import base as instance_metadata
from nova.compute import power_state
from nova.network import neutron
from nova.virt import configdrive, fake, hardware, node

from ground_drivers import docker_host
from ground_drivers.compute import machine
from ground_drivers.compute.machine import INSTANCE_LABEL, SERVER_LABEL, Nic, home_of, name_of

STATES = {
    "running": power_state.RUNNING,
    "restarting": power_state.RUNNING,
    "paused": power_state.PAUSED,
    "created": power_state.SHUTDOWN,
    "exited": power_state.SHUTDOWN,
    "removing": power_state.SHUTDOWN,
    "dead": power_state.CRASHED,
}
CONSOLE = "/var/log/cloud-init-output.log"


class MachineDriver(fake.FakeDriver):
    capabilities: ClassVar = {
        **fake.FakeDriver.capabilities,
        "supports_evacuate": False,
        "supports_migrate_to_same_host": False,
    }

    # One host on which the scheduler never runs out: what fits is the ground's business.
    vcpus, memory_mb, local_gb = 256, 524288, 10000

    # --- the host

    def init_host(self, host):
        super().init_host(host)
        docker_host.client().ping()  # no hypervisor: fail now

    def get_available_resource(self, nodename):
        resources = super().get_available_resource(nodename)
        if resources:
            resources["uuid"] = node.get_local_node_uuid()
        return resources

    def get_nodenames_by_uuid(self, refresh=False):
        return {node.get_local_node_uuid(): self._host}

    # --- which machines there are

    def _all(self) -> list[Container]:
        return docker_host.client().containers.list(
            all=True, filters={"label": SERVER_LABEL}, ignore_removed=True
        )

    def list_instances(self):
        return [container.labels[INSTANCE_LABEL] for container in self._all()]

    def list_instance_uuids(self):
        return [container.labels[SERVER_LABEL] for container in self._all()]

    def instance_exists(self, instance):
        return docker_host.find(name_of(instance.uuid)) is not None

    def instance_on_disk(self, instance):
        return self.instance_exists(instance)

    def get_info(self, instance, use_cache=True):
        status = self._get(instance).status
        return hardware.InstanceInfo(state=STATES.get(status, power_state.NOSTATE))

    def _get(self, instance) -> Container:
        container = docker_host.find(name_of(instance.uuid))
        if container is None:
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        return container

    # --- birth and death

    def spawn(
        self,
        context,
        instance,
        image_meta,
        injected_files,
        admin_password,
        allocations,
        network_info=None,
        block_device_info=None,
        power_on=True,
        accel_info=None,
    ):
        docker_host.remove(name_of(instance.uuid))
        self._write_config_drive(instance, injected_files, admin_password, network_info)
        labels = {
            docker_host.LABEL: f"machine-{instance.display_name}",
            SERVER_LABEL: instance.uuid,
            INSTANCE_LABEL: instance.name,
        }
        image = instance.system_metadata.get("image_docker_image")
        if not image:
            raise exception.BuildAbortException(
                instance_uuid=instance.uuid, reason="its image has no property docker_image"
            )
        try:
            nics = self._nics(context, network_info)
            machine.create(instance.uuid, image, instance.hostname, labels, nics)
            if power_on:
                docker_host.client().api.start(name_of(instance.uuid))
        except APIError as error:
            # Of all errors only this one is told to the user; another host to try there is none.
            docker_host.remove(name_of(instance.uuid))
            raise exception.BuildAbortException(instance_uuid=instance.uuid, reason=str(error)) from error
        for vif in network_info or []:
            self._interfaces[vif["id"]] = vif
        flavor = instance.flavor
        self.resources.claim(vcpus=flavor.vcpus, mem=flavor.memory_mb, disk=flavor.root_gb)

    def _write_config_drive(self, instance, injected_files, admin_password, network_info) -> None:
        home = home_of(instance.uuid)
        shutil.rmtree(home, ignore_errors=True)
        metadata = instance_metadata.InstanceMetadata(
            instance,
            content=injected_files or [],
            network_info=network_info,
            extra_md={"admin_pass": admin_password} if admin_password else {},
        )
        with configdrive.ConfigDriveBuilder(instance_md=metadata) as builder:
            builder._write_md_files(str(home / "config_drive"))
        home.chmod(0o700)

    def _nics(self, context, network_info) -> list[Nic]:
        return [nic for vif in network_info or [] for nic in self._nics_of(context, vif)]

    def _nics_of(self, context, vif) -> list[Nic]:
        """The IPv4 addresses of a port, each on the Docker network of its subnet."""
        port = neutron.get_client(context, admin=True).show_port(vif["id"])["port"]
        subnets = {fixed["ip_address"]: fixed["subnet_id"] for fixed in port["fixed_ips"]}
        nics = []
        for subnet in vif["network"]["subnets"]:
            for address in (ip["address"] for ip in subnet["ips"] if subnet["version"] == 4):
                network = docker_host.ensure_network(
                    subnets[address],
                    vif["network"]["label"],
                    str(subnet["cidr"]),
                    (subnet["gateway"] or {}).get("address"),
                )
                nics.append(Nic(network, address, vif["address"]))
        return nics

    def destroy(
        self,
        context,
        instance,
        network_info,
        block_device_info=None,
        destroy_disks=True,
        destroy_secrets=True,
    ):
        if self.instance_exists(instance):
            docker_host.remove(name_of(instance.uuid))
            flavor = instance.flavor
            self.resources.release(vcpus=flavor.vcpus, mem=flavor.memory_mb, disk=flavor.root_gb)
        shutil.rmtree(home_of(instance.uuid), ignore_errors=True)
        for vif in network_info or []:
            self._interfaces.pop(vif["id"], None)

    def cleanup(
        self,
        context,
        instance,
        network_info,
        block_device_info=None,
        destroy_disks=True,
        migrate_data=None,
        destroy_vifs=True,
        destroy_secrets=True,
    ):
        self.destroy(context, instance, network_info)

    # --- power

    def power_off(self, instance, timeout=0, retry_interval=0):
        self._get(instance).stop(timeout=min(timeout or machine.STOP_S, 60))

    def power_on(
        self, context, instance, network_info, block_device_info=None, accel_info=None, share_info=None
    ):
        self._get(instance).start()

    def reboot(
        self,
        context,
        instance,
        network_info,
        reboot_type,
        block_device_info=None,
        bad_volumes_callback=None,
        accel_info=None,
        share_info=None,
    ):
        container = self._get(instance)
        if reboot_type.upper() != "HARD":
            container.restart(timeout=machine.STOP_S)
            return
        # A power cut. `restart(timeout=0)` would send the stop signal first, and systemd would begin to stop.
        if container.status == "running":
            container.kill()
        container.start()

    def resume_state_on_host_boot(
        self, context, instance, network_info, share_info=None, block_device_info=None
    ):
        if self.instance_exists(instance):
            self.power_on(context, instance, network_info)

    def pause(self, instance):
        self._get(instance).pause()

    def unpause(self, instance):
        self._get(instance).unpause()

    def suspend(self, context, instance):
        self.pause(instance)

    def resume(self, context, instance, network_info, block_device_info=None, share_info=None):
        self.unpause(instance)

    def migrate_disk_and_power_off(self, *_arguments, **_more):
        raise NotImplementedError("a machine stays on its host")

    # --- what people look at

    def get_console_output(self, context, instance):
        try:
            chunks, _ = self._get(instance).get_archive(CONSOLE)
        except NotFound:
            return b""  # cloud-init has not begun
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            return tar.extractfile(tar.next()).read()

    # --- more addresses

    def attach_interface(self, context, instance, image_meta, vif):
        super().attach_interface(context, instance, image_meta, vif)
        for nic in self._nics_of(context, vif):
            try:
                machine.connect(instance.uuid, nic)
            except (
                APIError
            ) as error:  # for example a second address on one network: Docker has one endpoint each
                raise exception.InterfaceAttachFailed(instance_uuid=instance.uuid) from error

    def detach_interface(self, context, instance, vif):
        self._interfaces.pop(vif["id"], None)
        addresses = {ip["address"] for subnet in vif["network"]["subnets"] for ip in subnet["ips"]}
        container = self._get(instance)
        for network, endpoint in container.attrs["NetworkSettings"]["Networks"].items():
            if (endpoint.get("IPAMConfig") or {}).get("IPv4Address") in addresses:
                with contextlib.suppress(NotFound):
                    docker_host.client().networks.get(network).disconnect(container, force=True)
