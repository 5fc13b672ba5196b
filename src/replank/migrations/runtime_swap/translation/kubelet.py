"""The kubelet's side: runtime flags, its endpoint, log rotation, crictl, and the record that kubeadm keeps.

Source: kubernetes 1.23, cmd/kubelet/app/options and pkg/kubelet/config/flags.go (all flags of dockershim);
its changelogs of 1.24 (dockershim's flags end) and 1.27 (--container-runtime ends).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from replank.domain.errors import Refused
from replank.inventory.facts.hosts import KubeletFacts
from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.facts import TextFile
from replank.migrations.runtime_swap.translation.draft import Draft
from replank.migrations.runtime_swap.translation.kubelet_files import edit_flags, with_keys
from replank.migrations.runtime_swap.translation.kubelet_flags import ENDPOINT_FLAG, decide_flag
from replank.migrations.runtime_swap.translation.model import Outcome

_ENDPOINT_KEY: Final = "containerRuntimeEndpoint"
FLAGS_ENV: Final = "/var/lib/kubelet/kubeadm-flags.env"
INSTANCE_CONFIG: Final = "/var/lib/kubelet/instance-config.yaml"
_VARIABLES: Final = ("KUBELET_KUBEADM_ARGS", "KUBELET_ARGS", "KUBELET_EXTRA_ARGS")


def move_kubelet(draft: Draft, *, from_docker: bool) -> None:
    """Rows for the kubelet's runtime flags and endpoint, and its files changed."""
    kubelet = draft.seen(draft.node.kubelet, "the kubelet's flags and configuration")
    files = draft.seen(draft.node.kubelet_files, "the kubelet's files")
    if kubelet is None or files is None:
        return
    decided: dict[str, str | None] = {}
    for flag in kubelet.flags:
        decide_flag(draft, flag, decided, from_docker=from_docker)
    in_files = _ENDPOINT_KEY in kubelet.config or _ENDPOINT_KEY in kubelet.instance_config
    add: dict[str, list[str]] = {}
    if not in_files:
        words = ["--container-runtime=remote"] if draft.target.kubelet.line < (1, 24) else []
        add[_variable(files)] = [*words, f"--{ENDPOINT_FLAG}={draft.target.endpoint}"]
    _environment(draft, kubelet, files, decided, add)
    _endpoint(draft, kubelet, in_files=in_files)
    _configuration(draft, kubelet, files)
    _crictl(draft)
    draft.row(
        "kubeadm.alpha.kubernetes.io/cri-socket",
        "the Node's annotation",
        "as on the Node",
        Outcome.REPLACED,
        became=draft.target.endpoint,
        why="With a stale one `kubeadm upgrade` asks the old runtime. A Node without it gets none.",
        source="kubeadm 1.23 to 1.34, phases/patchnode; NodeLocalCRISocket",
    )


def _variable(files: tuple[TextFile, ...]) -> str:
    """The variable for new flags: kubeadm's, else Kubespray's, else the distributions'."""
    text = "\n".join(file.text or "" for file in files)
    return next((name for name in _VARIABLES if f"{name}=" in text), _VARIABLES[0])


def _environment(
    draft: Draft,
    kubelet: KubeletFacts,
    files: tuple[TextFile, ...],
    decided: Mapping[str, str | None],
    add: Mapping[str, list[str]],
) -> None:
    """Environment files with the flags changed. A flag that has to change and stands in none stops."""
    now = {flag.name: flag.value for flag in kubelet.flags}
    to_change = {name for name, new in decided.items() if new != now[name]}
    found: set[str] = set()

    def keep(name: str, value: str) -> str | None:
        found.add(name)
        return decided.get(name, value)

    for file in files:
        if file.path.endswith((".yaml", ".yml")):
            continue
        if file.text is None:
            _unwritable(draft, file, "flags")
            continue
        here = {
            name: [w for w in words if w.partition("=")[0].lstrip("-") not in now]
            for name, words in add.items()
        }
        try:
            edited = edit_flags(file.text, keep, here)
        except ValueError as error:
            _not_editable(draft, file.path, str(error))
            continue
        draft.write(file.path, edited, before=file.text, mode=file.mode, phase="switch")
        found |= {word.partition("=")[0].lstrip("-") for ws in here.values() for word in ws if word in edited}
    wanted = {word.partition("=")[0].lstrip("-") for words in add.values() for word in words} - set(now)
    for name in sorted((to_change | wanted) - found):
        _not_editable(draft, f"--{name}", "no environment file of the kubelet has it")


def _endpoint(draft: Draft, kubelet: KubeletFacts, *, in_files: bool) -> None:
    """The row for where the endpoint stands when no flag names it."""
    if any(flag.name == ENDPOINT_FLAG for flag in kubelet.flags) and not in_files:
        return
    if in_files:
        draft.kubelet_keys[_ENDPOINT_KEY] = draft.target.endpoint
    old = kubelet.instance_config.get(_ENDPOINT_KEY) or kubelet.config.get(_ENDPOINT_KEY) or "(not set)"
    where = INSTANCE_CONFIG if _ENDPOINT_KEY in kubelet.instance_config else kubelet.config_path
    same = old == draft.target.endpoint
    draft.row(
        _ENDPOINT_KEY if in_files else f"--{ENDPOINT_FLAG}",
        where if in_files else "kubelet",
        str(old),
        Outcome.CARRIED_OVER if same else Outcome.REPLACED,
        became=draft.target.endpoint,
        why="The socket of the new containerd; kubeadm reads it there, too.",
        source="kubernetes 1.27, KubeletConfiguration; 1.34, kubeadm NodeLocalCRISocket",
    )


def _configuration(draft: Draft, kubelet: KubeletFacts, files: tuple[TextFile, ...]) -> None:
    """config.yaml with the new keys, and instance-config.yaml, which kubeadm lays over it."""
    by_path = {file.path: file for file in files}
    if _ENDPOINT_KEY in kubelet.instance_config:
        one = {_ENDPOINT_KEY: draft.kubelet_keys[_ENDPOINT_KEY]}
        _yaml(draft, by_path.get(INSTANCE_CONFIG), INSTANCE_CONFIG, one)
    keys = {key: value for key, value in draft.kubelet_keys.items() if kubelet.config.get(key) != value}
    if keys and kubelet.config_path:
        _yaml(draft, by_path.get(kubelet.config_path), kubelet.config_path, keys)
    elif keys:
        _not_editable(draft, ", ".join(sorted(keys)), "the kubelet has no configuration file")


def _yaml(draft: Draft, file: TextFile | None, path: str, keys: Mapping[str, JSON]) -> None:
    if file is None or file.text is None:
        _unwritable(draft, file or TextFile(path=path, text=None, why_not="it was not read"), ", ".join(keys))
        return
    try:
        edited = with_keys(file.text, keys, where=path)
    except (ValueError, Refused) as error:
        _not_editable(draft, path, str(error))
        return
    draft.write(path, edited, before=file.text, mode=file.mode, phase="switch")


def _crictl(draft: Draft) -> None:
    """/etc/crictl.yaml, so that crictl asks the new runtime."""
    file = draft.seen(draft.node.crictl, "/etc/crictl.yaml")
    path = "/etc/crictl.yaml"
    keys: dict[str, JSON] = dict.fromkeys(("runtime-endpoint", "image-endpoint"), draft.target.endpoint)
    if file is not None and file.text is None:
        _unwritable(draft, file, ", ".join(keys))
        return
    before = (file.text if file is not None else "") or ""
    try:
        edited = with_keys(before, keys, where=path)
    except (ValueError, Refused) as error:
        _not_editable(draft, path, str(error))
        return
    draft.write(path, edited, before=before, phase="switch")
    draft.row(
        "runtime-endpoint, image-endpoint",
        path,
        "as in the file" if file is not None else "(no file)",
        Outcome.CARRIED_OVER if edited == before else Outcome.REPLACED,
        became=draft.target.endpoint,
        why="crictl shall ask the runtime that the kubelet asks.",
        source="cri-tools, docs/crictl.md",
    )


def _unwritable(draft: Draft, file: TextFile, what: str) -> None:
    draft.stop(
        "RP469",
        what,
        file.path,
        "(not kept)",
        why=f"The file has to change and cannot be written anew: {file.why_not or 'it holds a secret'}.",
        todo="Move the secret into a file of its own, or change this file by hand, then survey again.",
        source="replank",
    )


def _not_editable(draft: Draft, where: str, why: str) -> None:
    draft.stop(
        "RP455",
        "the kubelet's settings",
        where,
        "",
        why=f"It has to change, and replank cannot change it: {why}.",
        todo=f"Move the kubelet's runtime flags into {FLAGS_ENV}, in one line, then survey again.",
        source="kubeadm, docs of kubelet integration",
    )
