"""What a person may write in fleet.yaml, as pydantic models. `loader.py` turns them into `model.py`.

Every field is optional here: a setting may stand in `defaults`, in a pattern or at the cluster. What is
missing after these are merged is checked by `resolve.py`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from replank.domain.roles import Role

SCHEMA: Final = "replank.fleet/v1"

_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_PART: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_JUMP: Final = re.compile(
    r"(?:(?P<user>[A-Za-z0-9_][^\s@:/]*)@)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9][A-Za-z0-9_.-]*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_ENDPOINT: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9][A-Za-z0-9_.-]*):(?P<port>[0-9]{1,5})")
_PLACEHOLDER: Final = "{cluster}"


def is_dns_label(text: str) -> bool:
    """RFC 1123 label: lower case letters, digits and dashes, at most 63. Such a name is a valid label value.

    Cluster API puts the cluster's name into labels (`cluster.x-k8s.io/cluster-name`) and into object names.
    """
    return _DNS_LABEL.fullmatch(text) is not None


def _plain(text: str) -> str:
    if any(not char.isprintable() for char in text):
        raise ValueError("it holds a character that cannot be printed")
    if not text.strip():
        raise ValueError("it is empty")
    return text


def _label(text: str) -> str:
    if not is_dns_label(text.replace(_PLACEHOLDER, "x")):
        raise ValueError(
            "it must have at most 63 lower case letters, digits and dashes, and no dash at its ends"
        )
    return text


def _object_name(text: str) -> str:
    """RFC 1123 subdomain, as Kubernetes wants it for names of Secrets and custom resources."""
    labels = text.replace(_PLACEHOLDER, "x").split(".")
    if len(text) > 253 or not all(_DNS_PART.fullmatch(label) for label in labels):
        raise ValueError("it must have lower case letters, digits, dashes and dots, as a Kubernetes name")
    return text


def _jump(text: str) -> str:
    match = _JUMP.fullmatch(text.replace(_PLACEHOLDER, "x"))
    if match is None or not 1 <= int(match["port"] or 22) <= 65535:
        raise ValueError("it must read `host`, `user@host` or `user@host:port`")
    return text


def _word(text: str) -> str:
    if re.search(r"\s", text) or text.startswith("-"):
        raise ValueError("it must be one word that does not begin with a dash")
    return text


def _recipient(text: str) -> str:
    """age's own recipients, or the two kinds of ssh key that age encrypts to (age 1.x, `-R`)."""
    if re.fullmatch(r"age1[02-9ac-hj-np-z]{20,}|ssh-(ed25519|rsa) [A-Za-z0-9+/]+={0,2}( .*)?", text) is None:
        raise ValueError("it must be an age recipient (`age1...`) or an ssh-ed25519 or ssh-rsa public key")
    return text


def _endpoint(text: str) -> str:
    match = _ENDPOINT.fullmatch(text.replace(_PLACEHOLDER, "x"))
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise ValueError("it must read `host:port`, with an IPv6 address in brackets")
    return text


def _url(text: str) -> str:
    parts = urlsplit(text.replace(_PLACEHOLDER, "x"))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("it must read `http://host:port/path` or `https://...`, without user or password")
    if parts.port == 0 or not parts.path.isascii() or not parts.query.isascii():
        raise ValueError("it is no URL that can be asked for")
    return text


Text = Annotated[str, AfterValidator(_plain)]
Endpoint = Annotated[Text, AfterValidator(_endpoint)]
Word = Annotated[Text, AfterValidator(_word)]
Url = Annotated[Word, AfterValidator(_url)]
Label = Annotated[Text, AfterValidator(_label)]
ObjectName = Annotated[Text, AfterValidator(_object_name)]
Jump = Annotated[Text, AfterValidator(_jump)]
Recipient = Annotated[Text, AfterValidator(_recipient)]


class _Strict(BaseModel):
    """Unknown keys are errors, and nothing is converted: `port: "22"` is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False)


class Pull(_Strict):
    """`terraform state pull`, run in `folder`."""

    folder: Text
    command: Word = "terraform"


class StateEntry(_Strict):
    """One state: exactly one of file, folder, show_json and pull."""

    file: Text | None = None
    folder: Text | None = None
    show_json: Text | None = None
    pull: Pull | None = None
    workspace: Word | None = None
    only: list[Text] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> StateEntry:
        given = [kind for kind in ("file", "folder", "show_json", "pull") if getattr(self, kind) is not None]
        if len(given) != 1:
            found = f"{' and '.join(given)} at once" if given else "none of them"
            raise ValueError(f"it needs one of file, folder, show_json and pull; there is {found}")
        return self


class Cloud(_Strict):
    """A cloud of clouds.yaml."""

    name: Text | None = None
    clouds_yaml: Text | None = None
    region: Text | None = None


class Kubeconfig(_Strict):
    """A context of a kubeconfig."""

    path: Text | None = None
    context: Text | None = None


class Ssh(_Strict):
    """How to reach machines."""

    user: Word | None = None
    key: Text | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    jump: Jump | None = None
    sudo: bool | None = None
    known_hosts: Text | None = None
    check_host_key: bool | None = None
    address: Literal["any", "fixed", "floating"] | None = None
    connect_timeout_s: Annotated[float, Field(gt=0, le=600, strict=False)] | None = None


class NodePod(_Strict):
    """How to reach nodes without SSH."""

    image: Word | None = None
    pull_secret: ObjectName | None = None


class Management(_Strict):
    """The management cluster."""

    kubeconfig: Text | None = None
    context: Text | None = None
    namespace: Label | None = None


class Machines(_Strict):
    """What new machines are made of."""

    image: Text | None = None
    flavor: Text | None = None
    ssh_key: Text | None = None


class EtcdSnapshot(_Strict):
    """Where etcd snapshots go, who can read them, and how old the last one may be."""

    folder: Text | None = None
    recipients: list[Recipient] | None = None
    max_age_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None


class Credentials(_Strict):
    """Credentials that are there already: a Secret, or an OpenStackClusterIdentity."""

    secret: ObjectName | None = None
    identity: ObjectName | None = None
    cloud: Text | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Credentials:
        if (self.secret is None) == (self.identity is None):
            raise ValueError("it needs one of secret and identity; leave it out to have a credential made")
        return self


class ProbeEntry(_Strict):
    """One thing to watch: exactly one of tcp, http, counter and dns."""

    name: Label
    tcp: Endpoint | None = None
    http: Url | None = None
    counter: Url | None = None
    dns: Endpoint | None = None
    reuse: bool | None = None
    period_s: Annotated[float, Field(gt=0, le=3600, strict=False)] | None = None
    query: Word | None = None
    over: Literal["udp", "tcp"] | None = None
    ca: Text | None = None
    timeout_s: Annotated[float, Field(gt=0, le=60, strict=False)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> ProbeEntry:
        given = [kind for kind in ("tcp", "http", "counter", "dns") if getattr(self, kind) is not None]
        if len(given) != 1:
            found = f"{' and '.join(given)} at once" if given else "none of them"
            raise ValueError(f"it needs one of tcp, http, counter and dns; there is {found}")
        kinds = {
            "reuse": ("http", "counter"),
            "ca": ("http", "counter"),
            "period_s": ("counter",),
            "query": ("dns",),
            "over": ("dns",),
        }
        wrong = [key for key, of in kinds.items() if getattr(self, key) is not None and given[0] not in of]
        if wrong:
            raise ValueError(f"`{wrong[0]}` means nothing beside `{given[0]}`")
        return self


class OverrideEntry(_Strict):
    """Role and group of the servers that the glob names."""

    server: Text
    role: Annotated[Role, Field(strict=False)] | None = None
    group: Label | None = None

    @model_validator(mode="after")
    def _says_something(self) -> OverrideEntry:
        if self.role is None and self.group is None:
            raise ValueError("it needs `role` or `group`, or both")
        return self


class Settings(_Strict):
    """What may stand in `defaults`, in a pattern and at a cluster."""

    state: list[StateEntry] | None = None
    cloud: Cloud | None = None
    kubeconfig: Kubeconfig | None = None
    ssh: Ssh | None = None
    node_pod: NodePod | None = None
    management: Management | None = None
    new_machines: Machines | None = None
    new_control_planes: Machines | None = None
    load_balancer: Literal["auto", "managed", "unmanaged"] | None = None
    rename_servers: bool | None = None
    lock_state: bool | None = None
    etcd_snapshot: EtcdSnapshot | None = None
    credentials: Credentials | None = None
    quiet_seconds: Annotated[int, Field(ge=1, le=86400)] | None = None
    overrides: list[OverrideEntry] | None = None
    probes: list[ProbeEntry] | None = None


class Pattern(Settings):
    """Settings for the clusters whose name one of the globs matches."""

    match: Annotated[list[Text], Field(min_length=1)]


class FleetFile(_Strict):
    """The whole file."""

    schema_: Annotated[Literal["replank.fleet/v1"], Field(alias="schema")]
    defaults: Settings | None = None
    patterns: list[Pattern] | None = None
    clusters: dict[str, Settings | None]


# The text that may stand in place of a mapping, and the field that it means.
SHORTHANDS: Final[dict[str, str]] = {"cloud": "name", "kubeconfig": "path", "pull": "folder"}

# Which model the keys below a name belong to, for "did you mean".
_MODELS: Final[dict[str, type[BaseModel]]] = {
    "state": StateEntry,
    "pull": Pull,
    "cloud": Cloud,
    "kubeconfig": Kubeconfig,
    "ssh": Ssh,
    "node_pod": NodePod,
    "management": Management,
    "new_machines": Machines,
    "new_control_planes": Machines,
    "etcd_snapshot": EtcdSnapshot,
    "credentials": Credentials,
    "overrides": OverrideEntry,
    "probes": ProbeEntry,
}


def known_keys(path: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys that may stand in the mapping at `path`."""
    if not path:
        return tuple(_keys(FleetFile))
    inner = path[2 if path[0] in ("clusters", "patterns") else 1 :]
    model: type[BaseModel] = Pattern if path[0] == "patterns" else Settings
    for step in inner:
        model = _MODELS.get(step, model) if isinstance(step, str) else model
    return tuple(_keys(model))


def _keys(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def without_shorthands(settings: Any) -> Any:
    """`cloud: prod` as `cloud: {name: prod}`, and a `match` of one text as a list. Other values stay."""
    if not isinstance(settings, dict):
        return settings
    full = dict(settings)
    for key in ("cloud", "kubeconfig"):
        if isinstance(full.get(key), str):
            full[key] = {SHORTHANDS[key]: full[key]}
    if isinstance(full.get("match"), str):
        full["match"] = [full["match"]]
    if isinstance(full.get("state"), list):
        full["state"] = [
            {**entry, "pull": {"folder": entry["pull"]}}
            if isinstance(entry, dict) and isinstance(entry.get("pull"), str)
            else entry
            for entry in full["state"]
        ]
    return full
