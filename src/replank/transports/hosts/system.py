"""The machine around Kubernetes: packages, runtime, addresses, leftovers, and who set it up."""

from __future__ import annotations

import asyncio

from replank.domain.errors import Refused
from replank.domain.unknown import Fact
from replank.inventory.facts.hosts import HostLeftover, KubeletFacts, Package
from replank.inventory.hosts import commands
from replank.inventory.hosts.addresses import parse_virtual_addresses
from replank.inventory.hosts.command import HostCommand
from replank.inventory.hosts.command_line import flag_value
from replank.inventory.hosts.leftovers import (
    candidates,
    parse_dpkg_owned,
    parse_rpm_owned,
    without_owned,
)
from replank.inventory.hosts.listing import parse_listing
from replank.inventory.hosts.offered_packages import parse_offered
from replank.inventory.hosts.origin import judge_origin, parse_count
from replank.inventory.hosts.os_release import parse_os_release
from replank.inventory.hosts.packages import parse_dpkg, parse_rpm, parse_runtime
from replank.inventory.hosts.runtime_commands import CONTAINERD_PACKAGES, OFFERED
from replank.inventory.runtime.facts import OfferedPackage
from replank.transports.hosts.session import HostSession

_NOT_THERE = 127
_CHUNK = 100


async def read_hostname(session: HostSession) -> str:
    """As the machine calls itself."""
    return (await session.text(commands.HOSTNAME.call())).strip()


async def read_system_uuid(session: HostSession) -> str:
    """The firmware's UUID in lower case, as Nova writes server IDs; "" where firmware gives none."""
    for path in commands.SYSTEM_UUIDS:
        text = await session.text_if_there(commands.SYSTEM_UUID.call(path=path), path)
        if text is not None:
            return text.strip("\0 \n").lower()
    return ""


async def read_machine_id(session: HostSession) -> str:
    """systemd's ID of the installation, "" if it has none (machine-id(5))."""
    text = await session.text_if_there(commands.MACHINE_ID.call(), commands.MACHINE_ID_FILE)
    return (text or "").strip()


async def read_os_release(session: HostSession) -> str:
    """Name and version of the operating system."""
    return parse_os_release(await session.text(commands.OS_RELEASE.call()))


async def read_packages(session: HostSession) -> tuple[Package, ...]:
    """Packages that matter, from dpkg, else from rpm."""
    dpkg = await session.output(commands.DPKG.call())
    if dpkg.status != _NOT_THERE:
        if dpkg.status != 0:
            raise session.failed(commands.DPKG.call(), dpkg)
        return parse_dpkg(dpkg.text)
    text = await session.text(commands.RPM.call())
    # cat exits with 1 where there is no lock file; everybody may read it.
    locks = await session.text(commands.RPM_LOCKS.call(), fine=(0, 1))
    return parse_rpm(text, locks)


async def read_offered(session: HostSession) -> tuple[OfferedPackage, ...] | None:
    """Packages of containerd that apt can fetch; None where there is no apt."""
    output = await session.output(OFFERED.call())
    if output.status == _NOT_THERE:
        return None
    if output.status != 0:
        raise session.failed(OFFERED.call(), output)
    return tuple(one for one in parse_offered(output.text) if one.name in CONTAINERD_PACKAGES)


async def read_runtime(session: HostSession, kubelet: Fact[KubeletFacts]) -> str:
    """The runtime that the kubelet's endpoint names, whatever else is installed; else the only one."""
    endpoint = _endpoint(kubelet) or _dockershim(kubelet)
    for name, command in (("containerd", commands.CONTAINERD), ("crio", commands.CRIO)):
        if name in endpoint:
            return parse_runtime(await session.text(command.call()))
    if "docker" in endpoint:
        return parse_runtime(await session.text(commands.DOCKER.call()))
    found = [text for text in await asyncio.gather(*map(_version, [session] * 3, _RUNTIMES)) if text]
    if len(found) == 1:
        return parse_runtime(found[0])
    raise Refused(
        "RP067",
        "The container runtime was not told apart",
        "several are installed" if found else "neither containerd, CRI-O nor Docker answers",
        "Look at `containerRuntimeEndpoint` in the kubelet's configuration.",
    )


async def read_virtual_addresses(session: HostSession) -> tuple[str, ...]:
    """Virtual addresses that the machine carries now."""
    return parse_virtual_addresses(await session.text(commands.ADDRESSES.call()))


async def read_leftovers(session: HostSession) -> tuple[HostLeftover, ...]:
    """Cron entries and units that no package owns."""
    cron, units = await asyncio.gather(
        session.text(commands.CRON_FILES.call()), session.text(commands.UNIT_FILES.call())
    )
    items = candidates(parse_listing(cron), parse_listing(units))
    paths = tuple(item.path for item in items)
    owned: frozenset[str] = frozenset()
    for start in range(0, len(paths), _CHUNK):
        owned |= await _owned(session, paths[start : start + _CHUNK])
    return without_owned(items, owned)


async def read_origin(session: HostSession, *, kubespray: bool) -> Fact[bool]:
    """Whether image or user data set up Kubernetes."""
    call = commands.USER_DATA.call()
    user_data = await session.output(call)
    if user_data.text:  # grep -c prints 0 and exits with 1 if no line matches
        lines = parse_count(user_data.text)
    elif await session.exists(call.argv[-1]):
        raise session.failed(call, user_data)
    else:
        lines = 0
    times, log = await asyncio.gather(
        # stat exits with 1 if one of the files is not there; everybody may ask.
        session.text(commands.INSTALL_TIMES.call(), fine=(0, 1)),
        session.text(commands.DPKG_LOG.call(), fine=(0, 1, 2)),
    )
    return judge_origin(lines, times, log, kubespray=kubespray)


_RUNTIMES = (commands.CONTAINERD, commands.CRIO, commands.DOCKER)


async def _version(session: HostSession, command: HostCommand) -> str:
    output = await session.output(command.call())
    return output.text if output.status == 0 else ""


def _endpoint(kubelet: Fact[KubeletFacts]) -> str:
    if not isinstance(kubelet, KubeletFacts):
        return ""
    flag = flag_value(kubelet.flags, "container-runtime-endpoint")
    # What kubeadm keeps in the instance's file it has merged into the configuration.
    written = (c.get("containerRuntimeEndpoint") for c in (kubelet.config, kubelet.instance_config))
    return flag or next((str(endpoint) for endpoint in written if endpoint), "")


def _dockershim(kubelet: Fact[KubeletFacts]) -> str:
    """ "docker" where the kubelet speaks to Docker by itself: no endpoint, and a flag of that time.

    `--network-plugin` went with dockershim in 1.24 (KEP-2221).
    """
    if not isinstance(kubelet, KubeletFacts):
        return ""
    remote = flag_value(kubelet.flags, "container-runtime") == "remote"
    return "docker" if not remote and flag_value(kubelet.flags, "network-plugin") else ""


async def _owned(session: HostSession, paths: tuple[str, ...]) -> frozenset[str]:
    """dpkg-query exits with 1, rpm with the number of files, if nobody owns one."""
    dpkg = commands.DPKG_OWNERS.call_files(paths)
    output = await session.output(dpkg)
    if output.status in (0, 1):
        return parse_dpkg_owned(output.text)
    if output.status != _NOT_THERE:
        raise session.failed(dpkg, output)
    rpm = commands.RPM_OWNERS.call_files(paths)
    output = await session.output(rpm)
    if output.status == _NOT_THERE:
        raise session.failed(rpm, output)
    return parse_rpm_owned(output.text)
