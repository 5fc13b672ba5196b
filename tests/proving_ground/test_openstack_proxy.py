"""The fault proxy in front of a tiny Keystone and Nova: clients stay behind it, rules hit what they name."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import yaml
from aiohttp import web

import openstack
from proving_ground.faults.openstack import (
    Answer,
    CutBefore,
    Delay,
    Hang,
    LoseAnswer,
    OpenStackProxy,
    Rule,
)
from proving_ground.faults.openstack.links import led, rewritten
from proving_ground.faults.openstack.rules import choose
from replank.testbed.serve.thread import ServingThread

TOKEN, PASSWORD = "planted-token", "planted-password"
REAL = {"http://k:5000": "http://p:1/identity", "http://k:50": "http://p:1/other"}


class FakeCloud(ServingThread):
    """Keystone and Nova, as far as a client needs them to list and create servers; one port each."""

    def __init__(self) -> None:
        super().__init__("fake-cloud")
        self.origins: dict[str, str] = {}
        self.servers: list[str] = []
        self.headers: list[dict[str, str]] = []

    async def _serve(self) -> None:
        runners = []
        for service, routes in (("identity", self._keystone()), ("compute", self._nova())):
            app = web.Application()
            app.add_routes(routes)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.origins[service] = f"http://127.0.0.1:{runner.addresses[0][1]}"
            runners.append(runner)
        await self._hold()
        for runner in runners:
            await runner.cleanup()

    def _keystone(self) -> list[web.RouteDef]:
        async def version(_: web.Request) -> web.Response:
            links = [{"rel": "self", "href": f"{self.origins['identity']}/v3/"}]
            return web.json_response({"version": {"id": "v3.14", "status": "stable", "links": links}})

        async def token(_: web.Request) -> web.Response:
            document = {
                "methods": ["password"],
                "issued_at": "2026-11-25T00:00:00Z",
                "expires_at": "2126-11-25T00:00:00Z",
                "user": {"id": "u", "name": "demo", "domain": {"id": "default", "name": "Default"}},
                "project": {"id": "p", "name": "demo", "domain": {"id": "default", "name": "Default"}},
                "roles": [],
                "catalog": [
                    entry("identity", f"{self.origins['identity']}/v3"),
                    entry("compute", f"{self.origins['compute']}/v2.1"),
                ],
            }
            return web.json_response({"token": document}, status=201, headers={"X-Subject-Token": TOKEN})

        return [web.get("/v3", version), web.get("/v3/", version), web.post("/v3/auth/tokens", token)]

    def _nova(self) -> list[web.RouteDef]:
        async def version(_: web.Request) -> web.Response:
            links = [{"rel": "self", "href": f"{self.origins['compute']}/v2.1/"}]
            document = {
                "id": "v2.1",
                "status": "CURRENT",
                "version": "2.90",
                "min_version": "2.1",
                "links": links,
            }
            return web.json_response({"version": document})

        async def page(request: web.Request) -> web.Response:
            self.headers.append(dict(request.headers))
            names = self.servers[1:] if request.query.get("marker") else self.servers[:1]
            document: dict[str, object] = {
                "servers": [
                    {"id": name, "name": name, "metadata": {"url": "kept", "at": self.origins["compute"]}}
                    for name in names
                ]
            }
            if len(self.servers) > 1 and not request.query.get("marker"):
                following = f"{self.origins['compute']}/v2.1/servers/detail?marker={names[0]}"
                document["servers_links"] = [{"rel": "next", "href": following}]
            return web.json_response(document, headers={"X-Openstack-Request-Id": "req-1"})

        async def create(request: web.Request) -> web.Response:
            name = (await request.json())["server"]["name"]
            self.servers.append(name)
            place = f"{self.origins['compute']}/v2.1/servers/{name}"
            return web.json_response({"server": {"id": name}}, status=202, headers={"Location": place})

        return [
            web.get("/v2.1", version),
            web.get("/v2.1/", version),
            web.get("/v2.1/servers/detail", page),
            web.post("/v2.1/servers", create),
        ]


def entry(kind: str, url: str) -> dict[str, object]:
    endpoints = [{"id": kind, "interface": "public", "region": "R", "region_id": "R", "url": url}]
    return {"id": kind, "type": kind, "name": kind, "endpoints": endpoints}


@pytest.fixture
def fake() -> Iterator[FakeCloud]:
    with FakeCloud() as cloud:
        yield cloud


@pytest.fixture
def clouds(fake: FakeCloud) -> str:
    auth = {
        "auth_url": f"{fake.origins['identity']}/v3",
        "username": "demo",
        "password": PASSWORD,
        "project_name": "demo",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    return yaml.safe_dump({"clouds": {"fake": {"region_name": "R", "auth": auth}}})


@pytest.fixture
def proxy(fake: FakeCloud, clouds: str, tmp_path: Path) -> Iterator[OpenStackProxy]:
    with OpenStackProxy(fake.origins, clouds, tmp_path) as open_proxy:
        yield open_proxy


@pytest.fixture
def nova(proxy: OpenStackProxy) -> Iterator[httpx2.Client]:
    root = proxy.auth_url.removesuffix("/identity/v3")
    with httpx2.Client(base_url=f"{root}/compute", timeout=5, trust_env=False) as client:
        yield client


def create(nova: httpx2.Client, name: str) -> httpx2.Response:
    return nova.post("/v2.1/servers", json={"server": {"name": name, "user_data": "planted-user-data"}})


# --- through the proxy


def test_sdk_stays_behind_the_proxy(fake: FakeCloud, proxy: OpenStackProxy) -> None:
    fake.servers[:] = ["one", "two"]
    config = openstack.config.OpenStackConfig(config_files=[str(proxy.clouds_yaml)], load_envvars=False)
    with openstack.connection.Connection(config=config.get_one("fake")) as cloud:
        found = list(cloud.compute.servers())
    assert [server.name for server in found] == ["one", "two"]
    listed = [request for request in proxy.requests if request.path == "/v2.1/servers/detail"]
    assert len(listed) == 2, "the next page was asked for through the proxy too"
    assert len(fake.headers) == 2, "nothing went around it"
    assert found[0].metadata == {"url": "kept", "at": fake.origins["compute"]}


def test_clouds_yaml_is_secret_and_goes_with_the_proxy(fake: FakeCloud, clouds: str, tmp_path: Path) -> None:
    with OpenStackProxy(fake.origins, clouds, tmp_path) as proxy:
        assert stat.S_IMODE(proxy.clouds_yaml.stat().st_mode) == 0o600
        auth = yaml.safe_load(proxy.clouds_yaml.read_text())["clouds"]["fake"]["auth"]
        assert auth["auth_url"] == proxy.auth_url
        assert auth["password"] == PASSWORD
    assert not proxy.clouds_yaml.exists()


def test_request_is_recorded_without_secrets(
    fake: FakeCloud, proxy: OpenStackProxy, nova: httpx2.Client
) -> None:
    nova.get("/v2.1/servers/detail?name=planted-name", headers={"X-Auth-Token": TOKEN})
    create(nova, "new")
    listed, created = proxy.requests
    assert (listed.service, listed.method, listed.path) == ("compute", "GET", "/v2.1/servers/detail")
    assert (listed.passed_on, listed.status, listed.request_id) == (200, 200, "req-1")
    assert (created.method, created.path, created.status) == ("POST", "/v2.1/servers", 202)
    assert abs(listed.began - time.time()) < 60
    assert "planted" not in repr(proxy.requests)


def test_headers_and_query_reach_the_service(fake: FakeCloud, nova: httpx2.Client) -> None:
    fake.servers[:] = ["one", "two"]
    answer = nova.get("/v2.1/servers/detail?marker=one", headers={"X-Auth-Token": TOKEN})
    assert [server["name"] for server in answer.json()["servers"]] == ["two"]
    assert fake.headers[0]["X-Auth-Token"] == TOKEN
    assert fake.headers[0]["Host"] == fake.origins["compute"].removeprefix("http://")


def test_location_leads_through_the_proxy(nova: httpx2.Client) -> None:
    assert create(nova, "new").headers["Location"] == f"{nova.base_url}v2.1/servers/new"


def test_unknown_service_is_404(proxy: OpenStackProxy) -> None:
    answer = httpx2.get(proxy.auth_url.replace("/identity/v3", "/volume/v3"), trust_env=False)
    assert answer.status_code == 404


# --- faults


@pytest.mark.parametrize("status", [401, 403, 409, 500])
def test_answer_is_given_without_asking_openstack(
    fake: FakeCloud, proxy: OpenStackProxy, nova: httpx2.Client, status: int
) -> None:
    proxy.rules.append(Rule(Answer(status), "compute", times=1))
    refused = create(nova, "new")
    assert refused.status_code == status
    assert refused.json()["error"]["code"] == status
    assert fake.servers == []
    assert (proxy.requests[0].status, proxy.requests[0].passed_on) == (status, None)
    assert create(nova, "new").status_code == 202


def test_rate_limit_says_when_to_come_again(proxy: OpenStackProxy, nova: httpx2.Client) -> None:
    proxy.rules.append(Rule(Answer(429, retry_after_s=7)))
    assert nova.get("/v2.1").headers["Retry-After"] == "7"


def test_delay_passes_on_later(proxy: OpenStackProxy, nova: httpx2.Client) -> None:
    proxy.rules.append(Rule(Delay(0.3)))
    began = time.monotonic()
    assert nova.get("/v2.1").status_code == 200
    assert time.monotonic() - began >= 0.3


def test_cut_before_has_no_effect(fake: FakeCloud, proxy: OpenStackProxy, nova: httpx2.Client) -> None:
    proxy.rules.append(Rule(CutBefore(), method="POST"))
    with pytest.raises(httpx2.TransportError):
        create(nova, "new")
    assert fake.servers == []
    assert (proxy.requests[0].status, proxy.requests[0].passed_on) == (None, None)


def test_lost_answer_has_taken_effect(fake: FakeCloud, proxy: OpenStackProxy, nova: httpx2.Client) -> None:
    proxy.rules.append(Rule(LoseAnswer(), method="POST"))
    with pytest.raises(httpx2.TransportError):
        create(nova, "new")
    assert fake.servers == ["new"]
    assert (proxy.requests[0].status, proxy.requests[0].passed_on) == (None, 202)


def test_hang_answers_nothing_and_holds_nobody_else_up(
    fake: FakeCloud, proxy: OpenStackProxy, nova: httpx2.Client
) -> None:
    proxy.rules.append(Rule(Hang(), method="POST"))
    with pytest.raises(httpx2.ReadTimeout):
        nova.post("/v2.1/servers", json={"server": {"name": "new"}}, timeout=0.3)
    assert nova.get("/v2.1").status_code == 200
    assert fake.servers == []
    assert proxy.requests[0].fault == Hang()


def test_dead_service_is_a_dead_connection(tmp_path: Path) -> None:
    nobody = {"compute": "http://127.0.0.1:1"}
    with (
        OpenStackProxy(nobody, "clouds: {}", tmp_path) as proxy,
        pytest.raises(httpx2.TransportError),
    ):
        httpx2.get(proxy.auth_url.replace("/identity/v3", "/compute/v2.1"), trust_env=False)


# --- rules alone


def test_rule_takes_only_what_it_names() -> None:
    rule = Rule(CutBefore(), "compute", "POST", r"/servers$")
    assert rule.takes("compute", "POST", "/v2.1/servers")
    assert not rule.takes("network", "POST", "/v2.1/servers")
    assert not rule.takes("compute", "GET", "/v2.1/servers")
    assert not rule.takes("compute", "POST", "/v2.1/servers/1/action")
    assert rule.hits == 1


def test_empty_rule_takes_everything() -> None:
    assert Rule(CutBefore()).takes("image", "GET", "/")


def test_rule_lets_some_through_and_acts_so_many_times() -> None:
    rule = Rule(CutBefore(), path="/ports", after=2, times=2)
    taken = [rule.takes("network", "GET", path) for path in ["/ports", "/other"] + 5 * ["/ports"]]
    assert taken == [False, False, False, True, True, False, False]
    assert rule.hits == 2


def test_first_rule_that_takes_it_decides() -> None:
    rules = [Rule(Answer(500), times=1), Rule(Answer(429))]
    assert [choose(rules, "compute", "GET", "/") for _ in range(3)] == [Answer(500), Answer(429), Answer(429)]
    assert choose([], "compute", "GET", "/") is None


def test_rule_for_a_service_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no service 'nova', one of: identity, compute"):
        Rule(CutBefore(), "nova")  # type: ignore[arg-type]


# --- links alone


def test_links_are_led_and_other_texts_kept() -> None:
    document = {
        "catalog": [{"url": "http://k:5000/v3"}],
        "links": {"self": "http://k:5000", "next": None, "previous": "http://elsewhere/"},
        "user_data": "http://k:5000/v3",
    }
    found = json.loads(rewritten(json.dumps(document).encode(), REAL))
    assert found == {
        "catalog": [{"url": "http://p:1/identity/v3"}],
        "links": {"self": "http://p:1/identity", "next": None, "previous": "http://elsewhere/"},
        "user_data": "http://k:5000/v3",
    }


def test_body_without_links_comes_back_byte_by_byte() -> None:
    for body in (b'{ "a":1 }', b"", b"http://k:5000 is no JSON"):
        assert rewritten(body, REAL) == body


def test_origin_is_matched_as_a_whole() -> None:
    assert led("http://k:50/x", REAL) == "http://p:1/other/x"
    assert led("http://k:5000?x", REAL) == "http://p:1/identity?x"
    assert led("http://k:50001/x", REAL) == "http://k:50001/x"
