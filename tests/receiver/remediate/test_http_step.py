"""Steps of kind `http` as they are written and planned: what an alert says stays a value."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from receiver.engine.runs_planned import Action
from receiver.remediate.steps.http_edge import HttpEdge
from receiver.remediate.values import Unfit
from tests.receiver.remediate.far_http import action, asked, far

HOSTILE = ['"} or vector(1)', "-x", "$(reboot)", "a\nb", "a b&c=d#e?f", "ü%2f", '","admin":true,"x":"', "{{ 7*7 }}"]


async def test_one_request() -> None:
    """A step is one request: method, path, query, body, headers, and the key that names it for ever."""
    what = action(
        {"host": "web-1"},
        name="drain",
        method="PUT",
        path="/v1/hosts/$(host)",
        query={"why": "alert on $(host)"},
        json={"state": "drain", "hosts": ["$(host)"], "weight": 0},
        headers={"X-Who": "tocsin for $(host)"},
    )
    assert (what.name, what.does) == ("drain", "PUT /v1/hosts/web-1?why=alert%20on%20web-1 at lb")
    assert Action(**{field: getattr(what, field) for field in what.__struct_fields__}) == what
    async with far() as there:
        came = await asked(there, what, url=f"{there.url}/base/")
    assert (came.outcome, came.reason, came.output) == ("succeeded", "HTTP 200", f"HTTP 200\n{there.body}")
    (one,) = there.asked
    assert (one.method, one.path) == ("PUT", "/base/v1/hosts/web-1?why=alert%20on%20web-1")
    assert json.loads(one.body) == {"state": "drain", "hosts": ["web-1"], "weight": 0}
    wanted = {"Idempotency-Key": "run-1/0", "X-Who": "tocsin for web-1", "Content-Type": "application/json"}
    assert {name: one.headers[name] for name in wanted} == wanted


@pytest.mark.parametrize("value", HOSTILE)
async def test_hostile_values(value: str) -> None:
    """A value stays one segment, one parameter, one text of the JSON, whatever an alert writes into it."""
    given = {"value": value}
    what = action(given, query={"q": "$(value)", "z": "1"}, json={"a": ["$(value)", 1]}, path="/hosts")
    async with far() as there:
        await asked(there, what)
        if "\n" in value:
            with pytest.raises(Unfit, match="control characters"):
                action(given, path="/hosts/$(value)/drain")
        else:
            await asked(there, action(given, path="/hosts/$(value)/drain"))
    assert json.loads(there.asked[0].body) == {"a": [value, 1]}
    assert there.asked[0].path.startswith("/hosts?q=")
    assert there.asked[0].path.count("&") == 1
    for one in there.asked[1:]:
        assert one.path.count("/") == 3
        assert not set(one.path) & set(' "?#&')


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/a/$(v)/b", ".."),
        ("/a/$(v)/b", "."),
        ("/a/.$(v)", "."),
        ("/a/$(v)", ""),
        ("/a/$(v)", "../../admin"),
        ("/a/$(v)", "x/../../admin"),
        ("/a/$(v)", "..\\admin"),
        ("/a/$(v)", "x\r\nHost: evil"),
        ("/a/$(v)", "x\0"),
    ],
)
def test_paths_that_lead_elsewhere(path: str, value: str) -> None:
    """A value cannot leave its place in the path, also not where the far side decodes before it splits."""
    with pytest.raises(Unfit, match="path"):
        action({"v": value}, path=path)


@pytest.mark.parametrize(
    ("step", "word"),
    [
        ({"headers": {"X-A": "$(v)"}}, "X-A"),
        ({"host": "$(v)"}, "host"),
        ({"path": "/$(other)"}, "no value"),
        ({"json": "$(long)" * 10}, "characters long"),
    ],
)
def test_values_that_do_not_fit(step: dict[str, Any], word: str) -> None:
    """Line ends in headers, hosts that are none, values that are missing or huge: nothing is planned."""
    with pytest.raises(Unfit, match=word):
        action({"v": "a\r\nX-Admin: 1", "long": "x" * 7_000}, **step)


@pytest.mark.parametrize(
    ("step", "word"),
    [
        ({"path": "hosts"}, "path"),
        ({"path": "/a?b=c"}, "path"),
        ({"path": "/a#b"}, "path"),
        ({"query": {"$(v)": "1"}}, "key"),
        ({"json": [{"a": {"$(v)": 1}}]}, "key"),
        ({"headers": {"$(v)": "1"}}, "headers"),
        ({"headers": {"Authorization": "x"}}, "credentials stand at the endpoint"),
        ({"headers": {"host": "x"}}, "not a step's"),
        ({"method": "GET", "json": {}}, "no body"),
        ({"json": float("nan")}, "JSON"),
        ({"expect": ["2xx"]}, "status"),
        ({"expect": ["299-200"]}, "status"),
        ({"expect": []}, "empty"),
    ],
)
def test_mistakes_in_a_step(step: dict[str, Any], word: str) -> None:
    """What cannot be meant is told when the runbook is checked."""
    with pytest.raises(ValidationError) as raised:
        action(**step)
    (error,) = raised.value.errors()
    assert word in f"{error['loc']} {error['msg']} {error.get('ctx', {}).get('hint', '')}"


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"url": "ftp://lb"}, "http"),
        ({"url": "http://user:secret@lb"}, "http"),
        ({"url": "http://lb/x?y"}, "http"),
        ({"url": "http://lb/$(host)", "hosts": ["a"]}, "http"),
        ({"url": "http://lb:0"}, "port"),
        ({"url": "http://lb:65536"}, "port"),
        ({"url": "http://2130706433"}, "some programs only"),
        ({"url": "http://127.0.0.1:80"}, "loopback"),
        ({"url": "http://10.0.0.1"}, "private"),
        ({"url": "http://[::ffff:127.0.0.1]"}, "loopback"),
        ({"url": "http://169.254.169.254", "private": True}, "metadata"),
        ({"url": "http://lb", "hosts": ["a"]}, "url with"),
        ({"url": "http://$(host)"}, "any host"),
        ({"url": "http://$(host)", "hosts_matching": ["("]}, "regular expression"),
        ({"url": "http://$(host)", "hosts": ["a"], "private": True}, "fixed url"),
        ({"url": "http://$(host)", "hosts": ["a"], "follow_redirects": True}, "fixed url"),
        ({"url": "http://$(host)", "hosts": ["a"], "proxy_url": "http://proxy"}, "proxy"),
        ({"url": "http://$(host)", "hosts": ["a"], "proxy_from_environment": True}, "proxy"),
        ({"url": "http://$(host)", "hosts": ["a"], "networks": ["127.0.0.0/8"]}, "private network"),
        ({"url": "http://$(host)", "hosts": ["a"], "networks": ["0.0.0.0/0"]}, "private network"),
        ({"url": "http://lb", "basic_auth": {"username": "a", "password": "b"}}, "stands in the file"),
    ],
)
def test_mistakes_in_an_endpoint(given: dict[str, Any], word: str) -> None:
    """An endpoint that could lead to where none may is no endpoint."""
    with pytest.raises(ValidationError) as raised:
        HttpEdge.model_validate(given)
    assert word in str(raised.value)


def test_timeout() -> None:
    """A step's own limit takes the place of a minute."""
    assert action().timeout == timedelta(minutes=1)
    assert action(timeout="5s").timeout == timedelta(seconds=5)
