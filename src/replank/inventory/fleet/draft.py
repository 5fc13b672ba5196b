"""The commented fleet.yaml that `replank init` writes. It loads again with `load_fleet`."""

from __future__ import annotations

import json
import posixpath
import re
from typing import Final

from replank.inventory.fleet.found import (
    Found,
    FoundKubeconfig,
    GuessedCluster,
    GuessedState,
    guess_clusters,
)
from replank.inventory.fleet.schema import SCHEMA

_HEAD: Final = """\
# The clusters of this fleet, and how replank reaches what they stand on.
# Written by `replank init`; edit it freely. Relative paths start from this file's folder, `~` is your home
# folder, and {cluster} stands for a cluster's name in any text. No secret belongs in here: credentials stay
# in clouds.yaml, in kubeconfigs and in SSH keys.
"""

_SSH: Final = """\
  # How to reach the control-plane machines, read only. Without `key` the SSH agent is asked; host keys are
  # checked against `known_hosts` (~/.ssh/known_hosts unless given). For a runtime swap, nodes without SSH are
  # reached by privileged pods of an image that you name: node_pod: {image: registry.example.org/busybox:1.37}
"""

_REST: Final = """\
  # The management cluster that is to own the cluster, and the namespace for its objects.
  # management:
  #   kubeconfig: management.yaml
  #   context: management
  #   namespace: "{cluster}"

  # What machines made after the takeover are made of. Legacy images are often finished by Ansible after boot:
  # name an image that has kubelet, kubeadm and a container runtime.
  # new_machines: {image: ubuntu-24.04-kube-v1.35, flavor: m1.large, ssh_key: ops}
  # new_control_planes: {image: ubuntu-24.04-kube-v1.35}

  # Who keeps the API load balancer: auto (the plan decides and says why), managed (CAPO) or unmanaged.
  load_balancer: auto

  # Whether servers may be renamed where Cluster API could not find them by name otherwise.
  rename_servers: false

  # Whether the Terraform back end's own lock is held while a cluster is in work.
  lock_state: true

  # Where etcd snapshots go before a control plane is touched. They are encrypted with age, for the public
  # half of ssh.key unless recipients are named (age1..., ssh-ed25519 ..., ssh-rsa ...).
  # etcd_snapshot: {folder: etcd-snapshots, max_age_minutes: 30, recipients: []}

  # What CAPO logs in with. Left out, an application credential is made for each cluster, which cannot write
  # until its takeover is settled. A Secret or OpenStackClusterIdentity that is there is no such fence.
  # credentials: {secret: "{cluster}-capo"}

# Settings for all clusters whose name matches. Later patterns win over earlier ones, clusters over patterns.
# patterns:
#   - match: "prod-*"
#     cloud: prod
#     ssh: {jump: ops@bastion.example.org}
"""

_EXAMPLE: Final = """\
  # prod-1:
  #   state:
  #     - file: prod-1.tfstate               # a state file
  #     - folder: terraform/prod-1           # a working folder with a local back end
  #       workspace: blue
  #     - show_json: prod-1.json             # the output of `terraform show -json`
  #     - pull: {folder: terraform/prod-1, command: tofu}   # `tofu state pull`, for any back end
  #       only: ["module.prod_1"]            # the part of the state that is this cluster's
  #   kubeconfig: {path: kube/prod-1.yaml, context: admin@prod-1}
  #   overrides:                             # settles what cannot be seen
  #     - {server: "prod-1-lb-*", role: load-balancer}
  #     - {server: "prod-1-gpu-*", group: gpu}
"""


def draft_fleet(found: Found) -> str:
    """A fleet.yaml for what was found, with commented examples for what was not."""
    states = {
        (posixpath.normpath(s.path), s.workspace): s for s in found.states if _usable(s.path, s.workspace)
    }
    # What a pull would show is not known yet; a file without servers is at best a part of a cluster.
    clusters = guess_clusters(s for s in states.values() if s.servers or s.kind == "pull")
    kubeconfigs = _kubeconfigs_by_cluster(clusters, found)
    lines = [_HEAD, *_notes(found), f"schema: {SCHEMA}\n\n", "defaults:\n"]
    lines += [
        *_cloud(found),
        "\n",
        *_kubeconfig_default(bool(kubeconfigs)),
        "\n",
        *_ssh(found),
        "\n",
        _REST,
        "\n",
    ]
    lines.append(
        "clusters:\n"
        if clusters
        else "# No state was found. Describe your clusters like this:\nclusters: {}\n"
    )
    for cluster in clusters:
        lines += _cluster(cluster, kubeconfigs.get(cluster.name))
    lines.append(_EXAMPLE)
    return "".join(lines)


def _notes(found: Found) -> list[str]:
    odd = [f"{s.path}: odd characters in its name" for s in found.states if not _usable(s.path, s.workspace)]
    bare = [
        f"{s.path}: it has no servers; add it to `state` of the cluster that it belongs to"
        for s in found.states
        if not s.servers and s.kind != "pull"
    ]
    looked = f"# Looked for states, clouds and kubeconfigs below `{_comment(found.folder)}`.\n"
    return [
        looked if found.folder else "# To have it filled with what is on disk: `replank init --from DIR`.\n",
        *(f"# Not used: {_comment(note)}\n" for note in (*found.problems, *odd, *bare)),
        "\n",
    ]


def _cloud(found: Found) -> list[str]:
    comment = "  # The cloud, by its name in clouds.yaml, or {name, clouds_yaml, region}.\n"
    choices = [
        (clouds.path, name)
        for clouds in found.clouds
        for name in clouds.names
        if _usable(clouds.path) and _plain(name)
    ]
    if not choices:
        return [comment, "  # cloud: {name: prod, clouds_yaml: clouds.yaml, region: RegionOne}\n"]
    lines = [comment]
    if len(choices) > 1:
        lines.append("  # Several were found: choose one here, or name one for each cluster.\n")
    for path, name in choices:
        mark = "# " if len(choices) > 1 else ""
        lines.append(f"  {mark}cloud: {{name: {_scalar(name)}, clouds_yaml: {_scalar(path)}}}\n")
    return lines


def _kubeconfig_default(found: bool) -> list[str]:
    comment = "  # The kubeconfig of each workload cluster, a path or {path, context}"
    return [
        f"{comment}; see the clusters below.\n" if found else f"{comment}.\n",
        "  # kubeconfig: kube/{cluster}.yaml\n",
    ]


def _ssh(found: Found) -> list[str]:
    users = sorted({user for state in found.states for user in state.ssh_users})
    example = "ssh: {user: %s, key: ~/.ssh/id_ed25519, jump: ops@bastion.example.org, sudo: true}\n"
    if len(users) != 1:
        return [_SSH, "  # " + example % "ubuntu"]
    return [
        _SSH,
        f"  ssh: {{user: {_scalar(users[0])}}}   # from the servers' metadata\n",
        "  # " + example % users[0],
    ]


def _cluster(cluster: GuessedCluster, kubeconfig: FoundKubeconfig | None) -> list[str]:
    lines = [f"  {_scalar(cluster.name)}:\n", "    state:\n"]
    for guessed in cluster.states:
        lines += _state(guessed)
    if kubeconfig is None:
        lines.append("    # kubeconfig: not found\n")
    else:
        fits = [c for c in kubeconfig.contexts if cluster.name in c and _plain(c)]
        context = fits[0] if len(kubeconfig.contexts) > 1 and len(fits) == 1 else ""
        context = "" if context == kubeconfig.current else context
        more = f", context: {_scalar(context)}" if context else ""
        lines.append(f"    kubeconfig: {{path: {_scalar(kubeconfig.path)}{more}}}\n")
    return [*lines, "\n"]


def _state(guessed: GuessedState) -> list[str]:
    state = guessed.state
    names = [n for g in state.servers if guessed.module in ("", g.module) for n in g.names]
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    servers = "1 server" if len(names) == 1 else f"{len(names)} servers"
    lines = [f"      # {servers}: {_comment(shown)}\n"] if names else ["      # not looked into yet\n"]
    if state.kind == "pull":
        lines.append(f"      - pull: {{folder: {_scalar(state.path)}, command: {_scalar(state.command)}}}\n")
    else:
        lines.append(f"      - {state.kind.replace('-', '_')}: {_scalar(state.path)}\n")
    if state.workspace:
        lines.append(f"        workspace: {_scalar(state.workspace)}\n")
    if guessed.module:
        # `?` is any character in `only`: what fleet.yaml could not hold as it is.
        glob = "".join("?" if char == "{" or not char.isprintable() else char for char in guessed.module)
        lines.append(f"        only: [{_scalar(glob)}]\n")
    return lines


def _kubeconfigs_by_cluster(clusters: tuple[GuessedCluster, ...], found: Found) -> dict[str, FoundKubeconfig]:
    """The one kubeconfig whose path or contexts carry the cluster's name, or the only one there is."""
    usable = [k for k in found.kubeconfigs if _usable(k.path)]
    if len(clusters) == 1 and len(usable) == 1:
        return {clusters[0].name: usable[0]}
    chosen: dict[str, FoundKubeconfig] = {}
    for cluster in clusters:
        word = re.compile(rf"(?<![a-z0-9]){re.escape(cluster.name)}(?![a-z0-9])")
        by_path = [k for k in usable if word.search(k.path.rpartition("/")[2])]
        by_context = [k for k in usable if any(word.search(c) for c in k.contexts)]
        for fitting in (by_path, by_context):
            if len(fitting) == 1:
                chosen.setdefault(cluster.name, fitting[0])
    return chosen


def _usable(path: str, word: str = "") -> bool:
    """Whether fleet.yaml can name the path, and the word beside it (a workspace, "" if none)."""
    word_ok = not word or (_plain(word) and not re.search(r"^-|\s", word))
    return _plain(path) and not path.startswith("~") and word_ok


def _plain(text: str) -> bool:
    """Braces would be read as a placeholder, and nothing in fleet.yaml may be empty or unprintable."""
    return bool(text.strip()) and text.isprintable() and "{" not in text


def _scalar(text: str) -> str:
    """`text` as a YAML value: plain where nothing can be mistaken, else in double quotes."""
    plain = re.fullmatch(r"(?:[A-Za-z_/]|\.\.?/)[A-Za-z0-9_./@+-]*", text)
    word = re.fullmatch(r"(?i)null|true|false|yes|no|on|off|y|n", text)
    return text if plain and not word else json.dumps(text, ensure_ascii=False)


def _comment(text: str) -> str:
    """One line of a comment."""
    return "".join(char if char.isprintable() else "?" for char in text)
