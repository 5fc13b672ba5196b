"""hosts.toml files of the plan, beside those that stand on the node already."""

from __future__ import annotations

from dataclasses import replace

from replank.inventory.runtime.registry_facts import RegistryHosts
from replank.migrations.runtime_swap.translation.draft import Draft
from replank.migrations.runtime_swap.translation.render import hosts_toml


def write_hosts(draft: Draft, hosts: RegistryHosts) -> None:
    """Adds the file, unless the node has one for this registry: equal is fine, another one stops."""
    there = draft.seen(draft.node.registry_hosts, "hosts.toml files") or ()
    for known in there:
        folder = known.path.rpartition("/")[0].rpartition("/")[0]
        if known.namespace != hosts.namespace or folder != draft.target.certs_dir:
            continue
        if replace(known, path=hosts.path) != hosts:
            draft.stop(
                "RP462",
                f"hosts.toml of {hosts.namespace}",
                known.path,
                "another content",
                why="A file for this registry is there, and it says something else; it is not overwritten.",
                todo="Make it say what the runtime's own setting says, or remove one of the two.",
                source="replank",
            )
        return
    draft.write(hosts.path, hosts_toml(hosts))
