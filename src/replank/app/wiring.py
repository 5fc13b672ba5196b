"""Binds the ports to the transports that implement them."""

from __future__ import annotations

from replank.survey.fleet import Readers


def live_readers(*, parallel: int, timeout_s: float) -> Readers:
    """Readers of the real world. `parallel`: requests at once to a cloud. `timeout_s`: for one answer."""
    from replank.transports.kubernetes.management import KubernetesManagementReader
    from replank.transports.kubernetes.reader import KubernetesReader
    from replank.transports.openstack.reader import OpenStackReader
    from replank.transports.ssh.reader import SshHostReader
    from replank.transports.terraform.reader import TerraformStateReader

    return Readers(
        state=TerraformStateReader(),
        cloud=OpenStackReader(read_timeout_s=timeout_s, parallel=parallel),
        cluster=KubernetesReader(timeout_s=timeout_s),
        management=KubernetesManagementReader(timeout_s=timeout_s),
        host=SshHostReader(),
    )


def offline_readers() -> Readers:
    """Readers that look at files alone."""
    from replank.transports.terraform.reader import TerraformStateReader

    return Readers(state=TerraformStateReader(), cloud=None, cluster=None, management=None, host=None)
