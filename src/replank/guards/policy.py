"""What the team wants: the spec of a ClusterGuard. Its schema stands in `deploy/crd.yaml`."""

from __future__ import annotations

from datetime import datetime, time
from ipaddress import ip_address, ip_network
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
DAYS: Final[tuple[Day, ...]] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _clock_time(given: object) -> time:
    """A bare number would be taken for seconds: YAML 1.1 reads 22:00 as 1320."""
    found = time.fromisoformat(given) if isinstance(given, str) else given
    if not isinstance(found, time):
        raise ValueError(f"{given} is no time of day: write it as text, '22:00'")
    if found.tzinfo is not None:
        raise ValueError(f"{given} carries an offset: the zone is timeZone's alone")
    return found


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name} is no time zone of the IANA data base") from error
    return name


def _network(given: str) -> str:
    return str(ip_network(given, strict=False)) if given else given


class _Wanted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Window(_Wanted):
    """When drains may begin. `opens`, `closes`: local times in `time_zone`; one that closes before it opens
    goes over midnight, and belongs to the day on which it opens. Equal times: a whole day from then on."""

    days: tuple[Day, ...] = Field(default=DAYS, min_length=1)
    opens: Annotated[time, BeforeValidator(_clock_time)]
    closes: Annotated[time, BeforeValidator(_clock_time)]
    time_zone: Annotated[str, BeforeValidator(_zone)] = "UTC"

    def is_open(self, at: float) -> bool:
        """`at`: seconds since 1970."""
        local = datetime.fromtimestamp(at, ZoneInfo(self.time_zone))
        now, today = local.time(), local.weekday()
        if self.opens < self.closes:
            return self.opens <= now < self.closes and DAYS[today] in self.days
        if now >= self.opens:
            return DAYS[today] in self.days
        return now < self.closes and DAYS[today - 1] in self.days


class Drain(_Wanted):
    """Before a node is drained.

    `taint`: the nodes that get NoSchedule: all of the set that is about to go, only the Machine's own, none.
    `surge`: whether Deployments with one replica that allow it get a second one first; it needs the taint, or
    the second pod may come to the node that goes. `bare_pods`: what nobody makes anew. `on_deadline`: after
    `deadline_seconds` of waiting: wait on, wait and warn, or let go (Cluster API still asks every
    PodDisruptionBudget then).
    """

    taint: Literal["set", "machine", "none"] = "set"
    surge: Literal["allowed", "never"] = "allowed"
    bare_pods: Literal["wait", "evict"] = "wait"
    window: Window | None = None
    deadline_seconds: int = Field(default=3600, ge=1)
    on_deadline: Literal["wait", "warn", "force"] = "wait"

    @model_validator(mode="after")
    def _surge_needs_the_taint(self) -> Self:
        if self.taint == "none" and self.surge == "allowed":
            raise ValueError("taint is none, so surge must be never: a second pod may come to the same node")
        return self


class Terminate(_Wanted):
    """Before a machine is terminated. `floating_ips`: keep them in the project, or let CAPO delete them.
    `on_deadline`: after `deadline_seconds` of waiting: let go and say what is left undone, or wait on."""

    floating_ips: Literal["keep", "release"] = "keep"
    deadline_seconds: int = Field(default=900, ge=1)
    on_deadline: Literal["release", "wait"] = "release"


class Pool(_Wanted):
    """An Octavia pool that replank keeps.

    `kept_by` cluster-api: the API's pool of a managed load balancer. CAPO adds its members, before their API
    answers, and removes them, after it has ended; replank gives them weight 0 meanwhile (no new connections).
    `machines`: whose addresses its members are: the control plane's, or those of the MachineDeployments in
    `deployments` (empty = all workers). `port`: of a member. `subnet_id`: written to new members. `network`:
    CIDR of the address to take where Machines have several, "" = the first internal one.
    """

    id: str
    kept_by: Literal["replank", "cluster-api"] = "replank"
    port: int = Field(ge=1, le=65535)
    machines: Literal["control-plane", "workers"] = "control-plane"
    deployments: tuple[str, ...] = ()
    subnet_id: str = ""
    network: Annotated[str, BeforeValidator(_network)] = ""

    def address_of(self, addresses: tuple[str, ...]) -> str:
        """The one of a Machine's internal addresses that its member has, "" = none fits."""
        if not self.network:
            return addresses[0] if addresses else ""
        wanted = ip_network(self.network)
        return next((address for address in addresses if ip_address(address) in wanted), "")


class Policy(_Wanted):
    """A ClusterGuard's spec. `hooks`: which Machines get replank's hooks: those that the operator finds
    without get them as well, or only those that had them from the takeover."""

    hooks: Literal["all", "adopted"] = "all"
    drain: Drain = Drain()
    terminate: Terminate = Terminate()
    pools: tuple[Pool, ...] = ()

    @model_validator(mode="after")
    def _each_pool_once(self) -> Self:
        ids = [pool.id for pool in self.pools]
        if twice := sorted({identity for identity in ids if ids.count(identity) > 1}):
            raise ValueError(f"pool {twice[0]} is named twice")
        return self


DEFAULT: Final = Policy(hooks="adopted")
"""For a cluster without a ClusterGuard: its hooks are answered, nothing is added."""
