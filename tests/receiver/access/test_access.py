"""A whole receiver that knows who asks: scopes by route, tenants in every answer, names on the timeline."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from aiohttp import encode_basic_auth, web
from aiohttp.test_utils import TestClient, TestServer

from receiver.config import ReceiverConfig
from receiver.prepared import Prepared
from receiver.web.scopes import needs_of
from tests.receiver.access.people import CONFIG, USERS, given
from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, receiver
from tocsin.client import Client
from tocsin.errors import TocsinError
from tocsin.guard import Guard

Headers = dict[str, str]


@pytest.fixture
def config() -> ReceiverConfig:
    return ReceiverConfig.model_validate(CONFIG)


@pytest.fixture
async def tocsin(tmp_path: Path, config: ReceiverConfig) -> AsyncIterator[Harness]:
    """A receiver with users, and an incident of each of two tenants."""
    async with receiver(tmp_path / "store", config, asks=True) as running:
        for tenant in ("acme", "beta"):
            assert await running.post(body(alert(f"{tenant}Down", tenant=tenant), group=tenant)) == 200
        yield running


async def ask(tocsin: Harness, method: str, path: str, headers: Headers | None = None, **said: Any) -> tuple[int, Any]:
    """An answer's status and JSON."""
    body = said if said or method == "POST" else None
    answer = await tocsin.client.request(method, path, headers=headers or {}, json=body)
    await tocsin.settle()
    return answer.status, await answer.json()


async def refusals(tocsin: Harness) -> dict[str, float]:
    """How often the API was refused, by reason; only those that were."""
    families = {family.name: family for family in tocsin.receiver.metrics.registry.collect()}
    samples = families["tocsin_receiver_api_refused"].samples
    return {s.labels["reason"]: s.value for s in samples if s.name.endswith("_total") and s.value}


async def incident_of(tocsin: Harness, tenant: str) -> str:
    _, page = await ask(tocsin, "GET", "/api/v1/incidents", await given(tocsin, "root", "incidents:read"))
    (found,) = [item["id"] for item in page["items"] if item["tenant"] == tenant]
    return str(found)


async def test_every_route_names_its_scope(tocsin: Harness) -> None:
    """Each route says which scope it needs (`scoped`), or why it needs none; one that does not is for admins alone."""
    routes = list(tocsin.receiver.doors.application.router.routes())
    assert len(routes) >= 30
    assert [f"{route.method} {route.resource}" for route in routes if needs_of(route.handler) is None] == []


async def test_a_route_that_names_none(tocsin: Harness) -> None:
    """A route that was declared without a scope is for admins alone, wherever it lies."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="done")

    application = web.Application(middlewares=[tocsin.receiver.doors.access.middleware()])
    application.add_routes([web.get("/somewhere", handler)])
    async with TestClient(TestServer(application)) as client:
        assert (await client.get("/somewhere")).status == 401
        for user, scope, status in (
            ("alice", "incidents:write", 403),
            ("chief", "admin:all", 403),
            ("root", "admin:all", 200),
        ):
            answer = await client.get("/somewhere", headers=await given(tocsin, user, scope))
            assert answer.status == status


async def test_changes_need_more_than_reading(tocsin: Harness) -> None:
    """No route that changes something is satisfied with a scope that only reads."""
    for route in tocsin.receiver.doors.application.router.routes():
        needs = needs_of(route.handler)
        if route.method in ("POST", "PUT", "PATCH", "DELETE") and needs is not None:
            changes = route.resource is not None and not route.resource.canonical.endswith("/preview")
            assert needs.scope is None or not (changes and needs.scope.endswith(":read")), route


async def test_without_a_proof(tocsin: Harness) -> None:
    """Every route of the API but the webhooks answers 401 with the way in; probes and /metrics stay open."""
    asked = 0
    for route in tocsin.receiver.doors.application.router.routes():
        needs = needs_of(route.handler)
        if needs is None or needs.scope is None or not needs.always or route.method == "HEAD" or not route.resource:
            continue
        path = re.sub(r"\{\w+\}", "1", route.resource.canonical)
        status, said = await ask(tocsin, route.method, path)
        assert (status, said["status"]) == (401, 401), path
        assert "tocsin tokens create" in said["detail"]
        asked += 1
    assert asked >= 18
    assert await refusals(tocsin) == {"no_proof": asked}
    for path in ("/-/healthy", "/-/ready", "/metrics"):
        assert (await tocsin.client.get(path)).status == 200


@pytest.mark.parametrize(
    ("user", "scopes", "method", "path", "status"),
    [
        ("alice", ["incidents:read"], "GET", "/api/v1/incidents", 200),
        ("alice", ["incidents:write"], "GET", "/api/v1/incidents", 403),
        ("alice", ["incidents:read"], "POST", "/api/v1/maintenance", 403),
        ("alice", ["incidents:write"], "POST", "/api/v1/maintenance", 400),
        ("alice", ["incidents:read"], "GET", "/api/v1/quarantine", 403),
        ("chief", ["admin:all"], "GET", "/api/v1/quarantine", 403),
        ("chief", ["admin:all"], "GET", "/api/v1/incidents", 200),
        ("root", ["admin:all"], "GET", "/api/v1/quarantine", 200),
        ("root", ["incidents:read"], "GET", "/api/v1/quarantine", 403),
        ("alice", ["metrics:read"], "GET", "/metrics", 200),
        ("alice", ["incidents:read"], "GET", "/metrics", 403),
        ("alice", ["incidents:read"], "POST", "/-/reload", 403),
        ("alice", ["rules:read"], "GET", "/api/v1/me", 200),
        ("alice", ["rules:read"], "GET", "/api/v1/nothing", 404),
    ],
)
async def test_scopes(tocsin: Harness, user: str, scopes: list[str], method: str, path: str, status: int) -> None:
    """A route answers whoever has its scope; where nothing is told apart by tenant, for every tenant."""
    answer = await tocsin.client.request(method, path, headers=await given(tocsin, user, *scopes))
    assert answer.status == status, await answer.text()


async def test_what_a_refusal_says(tocsin: Harness) -> None:
    """A refusal for want of a scope names it, what they have, and the way out."""
    status, said = await ask(
        tocsin, "POST", "/api/v1/maintenance", await given(tocsin, "alice", "incidents:read", "rules:read")
    )
    assert status == 403
    assert "the scope incidents:write, and alice asks with incidents:read, rules:read" in said["detail"]
    assert "--user alice --scope incidents:write" in said["detail"]
    assert await refusals(tocsin) == {"scope": 1}


async def test_lists_are_of_ones_tenants(tocsin: Harness) -> None:
    """Lists of incidents and alerts hold what somebody's tenants have, and pages go on from there."""
    for user, tenants in (("anna", ["acme"]), ("alice", ["acme", "beta"]), ("both", ["acme", "beta"])):
        headers = await given(tocsin, user, "incidents:read")
        for path in ("/api/v1/incidents", "/api/v1/alerts"):
            _, page = await ask(tocsin, "GET", path, headers)
            found = {item.get("tenant") or item["labels"]["tenant"] for item in page["items"]}
            assert sorted(found) == tenants
            _, first = await ask(tocsin, "GET", f"{path}?limit=1", headers)
            assert (first["next"] is None) == (tenants == ["acme"])
    narrow = await given(tocsin, "alice", "incidents:read", tenants=frozenset({"beta"}))
    _, page = await ask(tocsin, "GET", "/api/v1/incidents", narrow)
    assert [item["tenant"] for item in page["items"]] == ["beta"]


@pytest.mark.parametrize(
    ("method", "action", "said"),
    [
        ("GET", "", {}),
        ("GET", "/graph", {}),
        ("POST", "/acknowledge", {}),
        ("POST", "/resolve", {}),
        ("POST", "/merge", {"into": "a"}),
        ("POST", "/split", {"name": "x"}),
        ("POST", "/move", {"to": "a", "name": "x"}),
        ("POST", "/cause", {"name": "x"}),
        ("POST", "/noise", {"name": "x"}),
    ],
)
async def test_anothers_incident(tocsin: Harness, method: str, action: str, said: dict[str, str]) -> None:
    """Whoever may not see an incident hears what they would hear if there were none, word for word."""
    beta = await incident_of(tocsin, "beta")
    headers = await given(tocsin, "anna", "incidents:read", "incidents:write")
    status, told = await ask(tocsin, method, f"/api/v1/incidents/{beta}{action}", headers, **said)
    gone, of_none = await ask(tocsin, method, f"/api/v1/incidents/{'z' * len(beta)}{action}", headers, **said)
    assert (status, gone) == (404, 404)
    assert told["detail"].replace(beta, "?") == of_none["detail"].replace("z" * len(beta), "?")


async def test_merging_into_anothers_incident(tocsin: Harness) -> None:
    """An incident of another tenant is not there as a goal either."""
    acme, beta = await incident_of(tocsin, "acme"), await incident_of(tocsin, "beta")
    headers = await given(tocsin, "anna", "incidents:write")
    for action, said in (("merge", {"into": beta}), ("move", {"to": beta, "name": "acmeDown"})):
        status, told = await ask(tocsin, "POST", f"/api/v1/incidents/{acme}/{action}", headers, **said)
        assert (status, told["detail"]) == (404, f"there is no incident {beta}")


async def test_anothers_alerts(tocsin: Harness) -> None:
    """Asked for by its incident, another tenant's alerts are not there."""
    beta = await incident_of(tocsin, "beta")
    _, page = await ask(tocsin, "GET", f"/api/v1/alerts?incident={beta}", await given(tocsin, "anna", "incidents:read"))
    assert page["items"] == []


@pytest.mark.parametrize(
    ("user", "said", "expected"),
    [
        ("alice", None, "alice"),
        ("alice", "alice", "alice"),
        ("alice", "bob", None),
        ("root", None, "root"),
        ("root", "bob", "root for bob"),
        ("root", "bob\n\x1b[31m" + "x" * 200, "root for bob"),
    ],
)
async def test_who_did_it(tocsin: Harness, user: str, said: str | None, expected: str | None) -> None:
    """The timeline names whoever is known to have asked; only admin:all may act for others, and that is told."""
    acme = await incident_of(tocsin, "acme")
    headers = await given(tocsin, user, *(["admin:all"] if user == "root" else ["incidents:write"]))
    body = {} if said is None else {"by": said}
    status, told = await ask(tocsin, "POST", f"/api/v1/incidents/{acme}/acknowledge", headers, **body)
    reader = await given(tocsin, "root", "incidents:read")
    _, story = await ask(tocsin, "GET", f"/api/v1/incidents/{acme}", reader)
    names = [event["by"] for event in story["timeline"] if event["kind"] == "acknowledged"]
    if expected is None:
        assert status == 403
        assert "leave it out" in told["detail"]
        assert names == []
        assert await refusals(tocsin) == {"on_behalf": 1}
    else:
        assert status == 200
        assert names[0].startswith(expected)
        assert len(names[0]) <= 100
        assert names[0].isprintable()


async def test_maintenance_of_ones_tenants(tocsin: Harness) -> None:
    """Whoever acts for some tenants adds and ends windows of these alone, and sees no others' but everybody's."""
    one = {"name": "upgrade", "matchers": ['service="db"'], "duration": "1h", "from": "2026-11-21T03:00:00"}
    root = await given(tocsin, "root", "admin:all")
    anna = await given(tocsin, "anna", "incidents:read", "incidents:write")
    path, ids = "/api/v1/maintenance", {}
    for tenant in ("acme", "beta", ""):
        status, told = await ask(tocsin, "POST", path, root, tenant=tenant, **one)
        assert (status, told["created_by"]) == (201, "root")
        ids[tenant] = told["id"]
    _, page = await ask(tocsin, "GET", path, anna)
    assert {item["tenant"] for item in page["items"]} == {"acme", ""}
    for tenant, added, ended in (("acme", 201, 200), ("beta", 403, 404), ("", 403, 403)):
        status, told = await ask(tocsin, "POST", path, anna, tenant=tenant, **one)
        assert status == added
        assert added == 201 or "name one of yours (acme)" in told["detail"]
        status, _ = await ask(tocsin, "POST", f"{path}/{ids[tenant]}/end", anna)
        assert status == ended


async def test_removed_and_demoted_at_a_reload(tocsin: Harness, config: ReceiverConfig) -> None:
    """Whoever is taken out of the configuration, or loses a role, has no more from the next request on."""
    alice, root = await given(tocsin, "alice", "incidents:read"), await given(tocsin, "root", "admin:all")
    assert (await ask(tocsin, "GET", "/api/v1/incidents", alice))[0] == 200
    fewer = {name: user for name, user in USERS.items() if name != "alice"} | {"root": {"roles": ["viewer"]}}
    changed = ReceiverConfig.model_validate(CONFIG | {"users": fewer})
    await tocsin.receiver.take(Prepared.of(changed, again=True))
    status, told = await ask(tocsin, "GET", "/api/v1/incidents", alice)
    assert status == 401
    assert "alice" in told["detail"]
    assert (await ask(tocsin, "GET", "/api/v1/quarantine", root))[0] == 403
    assert (await ask(tocsin, "GET", "/api/v1/incidents", root))[0] == 200
    await tocsin.receiver.take(Prepared.of(config, again=True))
    assert (await ask(tocsin, "GET", "/api/v1/incidents", alice))[0] == 200


async def test_an_expired_token(tocsin: Harness) -> None:
    """A token ends by itself, and the answer says when it did."""
    headers = await given(tocsin, "alice", "incidents:read", life=timedelta(hours=1))
    tocsin.clock.advance(minutes=59)
    assert (await ask(tocsin, "GET", "/api/v1/incidents", headers))[0] == 200
    tocsin.clock.advance(minutes=1)
    status, told = await ask(tocsin, "GET", "/api/v1/incidents", headers)
    assert (status, "expired on 2026-11-21 04:00 UTC" in told["detail"]) == (401, True)
    assert await refusals(tocsin) == {"expired": 1}


async def test_where_no_users_are(tmp_path: Path) -> None:
    """Without users everybody on this machine may do everything, in the name that they say."""
    async with receiver(tmp_path, asks=True) as tocsin:
        await tocsin.post(body(alert()))
        (incident,) = await tocsin.incidents()
        assert (await tocsin.act(incident["id"], "acknowledge", by="alice"))["changed"]
        assert (await ask(tocsin, "GET", "/api/v1/quarantine"))[0] == 200
        status, told = await ask(tocsin, "POST", "/api/v1/tokens", scopes=["incidents:read"], user="alice")
        assert (status, "add users" in told["detail"]) == (409, True)
        status, _ = await ask(
            tocsin, "GET", "/api/v1/incidents", {"Authorization": f"Bearer tocsin_{'a' * 12}_{'b' * 43}"}
        )
        assert status == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9095", 200),
        ("[::1]:9095", 200),
        ("localhost:9095", 200),
        ("tocsin.example.org", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("[oops", 403),
    ],
)
async def test_asked_by_anothers_name(tmp_path: Path, host: str, status: int) -> None:
    """Where nobody is asked who they are, a page of another site cannot reach the receiver by a name of its own."""
    config = ReceiverConfig(external_url="https://tocsin.example.org/receiver")
    async with receiver(tmp_path, config, asks=True) as tocsin:
        answer = await tocsin.client.get("/api/v1/incidents", headers={"Host": host})
        assert answer.status == status
        assert status == 200 or "external_url" in (await answer.json())["detail"]
        assert (await tocsin.client.get("/-/ready", headers={"Host": host})).status == 200


@pytest.mark.parametrize("users", [True, False])
async def test_names_of_the_web_configuration(tmp_path: Path, config: ReceiverConfig, users: bool) -> None:
    """A name of --web.config.file has its user's rights: all of them where no users are, none where it is no user."""
    hashed = bcrypt.hashpw(b"s3cret", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{victor: '{hashed}', mallory: '{hashed}'}}")
    chosen = config if users else ReceiverConfig()
    async with receiver(tmp_path / "store", chosen, guard=Guard(tmp_path / "web.yml"), asks=True) as tocsin:
        expected = {
            ("victor", "GET", "/api/v1/incidents"): 200,
            ("victor", "POST", "/api/v1/quarantine/1/retry"): 403 if users else 404,
            ("mallory", "GET", "/api/v1/incidents"): 403 if users else 200,
            ("mallory", "GET", "/metrics"): 200,
            ("", "GET", "/metrics"): 401,
            ("", "GET", "/api/v1/incidents"): 401,
        }
        for (name, method, path), status in expected.items():
            headers = {"Authorization": encode_basic_auth(name, "s3cret")} if name else {}
            answer = await tocsin.client.request(method, path, headers=headers)
            assert answer.status == status, (name, path, await answer.text())
        if users:
            token = await given(tocsin, "alice", "incidents:read")
            for path, status in (("/api/v1/incidents", 200), ("/metrics", 403), ("/-/healthy", 401)):
                assert (await tocsin.client.get(path, headers=token)).status == status
            forged = {"Authorization": token["Authorization"][:-1] + "_"}
            assert (await tocsin.client.get("/api/v1/incidents", headers=forged)).status == 401
            assert (await tocsin.client.get("/metrics", headers={"Authorization": "Bearer tocsin_"})).status == 401


async def test_metrics_where_only_tokens_guard(tocsin: Harness) -> None:
    """Where other machines reach a receiver without --web.config.file, /metrics and /-/reload ask for a token, too."""
    tocsin.receiver.doors.access.only_tokens = lambda: True
    assert (await tocsin.client.get("/metrics")).status == 401
    assert (await tocsin.client.post("/-/reload")).status == 401
    assert (await tocsin.client.get("/-/healthy")).status == 200
    token = await given(tocsin, "victor", "metrics:read")
    assert (await tocsin.client.get("/metrics", headers=token)).status == 200


async def test_the_client(tocsin: Harness, tmp_path: Path) -> None:
    """A command with a token names nobody; one without hears what to do."""
    url = f"http://127.0.0.1:{tocsin.client.port}"
    (tmp_path / "token").write_text((await given(tocsin, "alice", "incidents:read"))["Authorization"][7:] + "\n")
    client = Client.from_environment(url, {"TOCSIN_TOKEN_FILE": str(tmp_path / "token")})
    assert client.asks_as() == ""
    assert len(await asyncio.to_thread(list, client.incidents())) == 2
    with pytest.raises(TocsinError, match="takes the scope incidents:write, and alice asks with incidents:read"):
        await asyncio.to_thread(client.acknowledge, await incident_of(tocsin, "acme"), by="")
    with pytest.raises(TocsinError, match="TOCSIN_TOKEN_FILE"):
        await asyncio.to_thread(list, Client.from_environment(url, {}).incidents())
    (tmp_path / "password").write_text("pass:word\n")
    named = {"TOCSIN_URL": "http://eve@127.0.0.1:1", "TOCSIN_PASSWORD_FILE": str(tmp_path / "password")}
    assert Client.from_environment(None, named).login == "eve:pass:word"
    assert Client.from_environment(None, named).asks_as() == "eve"
