"""Whom steps of kind `http` ask, and to where an alert can never lead them."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme

from receiver.remediate.checks_steps import needed
from receiver.remediate.step import CannotBegin
from receiver.remediate.steps.http import HttpStep
from receiver.remediate.steps.http_addresses import Address, Network
from receiver.remediate.steps.http_doer import HttpDoer
from receiver.remediate.steps.http_edge import HttpEdge
from receiver.remediate.values import Unfit
from tests.receiver.remediate.checking import config
from tests.receiver.remediate.far_http import ABOUT, action, done, edge, far


def open_edge(port: int, **more: Any) -> HttpEdge:
    return HttpEdge.model_validate({"url": f"http://$(host):{port}", "hosts_matching": [r".+"]} | more)


async def test_chosen_host() -> None:
    """A host that comes from the alert is looked up once; the connection goes there under its name."""
    told: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        told.append(host)
        return ["127.0.0.1"]

    def judge(address: Address, private: bool, networks: Sequence[Network]) -> str:
        assert str(address) == "127.0.0.1"
        return ""

    async with far() as there:
        what = action({"v": "Web-1"}, host="$(v)", path="/200")
        one = open_edge(there.port, url=f"http://$(host).example:{there.port}")
        came = await done(one, what, resolve=resolve, judge=judge)
    assert (came.outcome, what.does) == ("succeeded", "POST /200 at lb (web-1)")
    assert told == ["web-1.example"]
    assert there.asked[0].headers["Host"] == f"web-1.example:{there.port}"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "::1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "::ffff:7f00:1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "0.0.0.0",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "fe80::1",
    ],
)
async def test_never_near(host: str) -> None:
    """An alert cannot lead a request to this machine, nor to what is near it, even where every host is allowed."""
    async with far() as there:
        one, what = open_edge(there.port), action({"v": host}, host="$(v)")
        came = await done(one, what)
        with pytest.raises(CannotBegin, match="must not be asked"):
            await HttpDoer({"lb": one}).look(what, ABOUT)
    assert (came.outcome, "must not be asked" in came.reason, there.asked) == ("failed", True, [])


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "localhost.",
        "a@127.0.0.1",
        "127.0.0.1:80",
        "x/..",
        "x#",
        "x\n",
    ],
)
def test_no_host(host: str) -> None:
    """What some programs read as an address, or as more than a host, is not even planned."""
    with pytest.raises(Unfit, match="host"):
        action({"v": host}, host="$(v)")


async def test_rebinding() -> None:
    """A name that means something else the second time leads nowhere: what is judged is what is used."""
    answers = [["8.8.8.8"], ["127.0.0.1"]]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    async with far() as there:
        one, what = open_edge(there.port), action({"v": "evil.example"}, host="$(v)")
        doer = HttpDoer({"lb": one}, resolve=resolve)
        assert await doer.look(what, ABOUT) == {"addresses": "8.8.8.8"}
        came = await doer.do(what, {}, ABOUT)
    assert (came.outcome, "127.0.0.1 is loopback; nothing was sent" in came.reason) == ("failed", True)
    assert (there.asked, answers) == ([], [])


async def test_looked_up_once() -> None:
    """Between the judgement of an address and its use nobody is asked again: the judged one is connected to."""
    judged: list[str] = []
    answers = [["127.0.0.1"], ["127.0.0.2"]]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    def judge(address: Address, private: bool, networks: Sequence[Network]) -> str:
        judged.append(str(address))
        return ""

    async with far() as there:  # it listens on 127.0.0.1 alone
        what = action({"v": "web.example"}, host="$(v)")
        came = await done(open_edge(there.port), what, resolve=resolve, judge=judge)
    assert (came.outcome, judged, len(answers)) == ("succeeded", ["127.0.0.1"], 1)


@pytest.mark.parametrize(
    ("given", "host", "allowed"),
    [
        ({"hosts": ["Web-1.example"]}, "web-1.example", True),
        ({"hosts": ["web-1.example"]}, "web-1.example.evil", False),
        ({"hosts_matching": [r"web-\d+\.example"]}, "web-22.example", True),
        ({"hosts_matching": [r"web-\d+\.example"]}, "web-22.example.evil", False),
        ({"hosts_matching": [r"web-\d+\.example"]}, "xweb-22.example", False),
        ({"hosts_matching": ["a|b"]}, "ab", False),
    ],
)
async def test_listed_hosts(given: dict[str, Any], host: str, allowed: bool) -> None:
    """Only hosts of the list, or that fit a pattern as a whole, are asked."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["8.8.8.8"]

    one = HttpEdge.model_validate({"url": "http://$(host)"} | given)
    what = action({"v": host}, host="$(v)")
    assert (one.refuses(what.arguments) == "") is allowed
    doer = HttpDoer({"lb": one}, resolve=resolve)
    if allowed:
        assert await doer.look(what, ABOUT) == {"addresses": "8.8.8.8"}
    else:
        with pytest.raises(CannotBegin, match="not among its hosts"):
            await doer.look(what, ABOUT)


async def test_networks() -> None:
    """A private network that the endpoint lists can be reached, others cannot."""
    one = open_edge(80, networks=["10.20.0.0/16"])
    doer = HttpDoer({"lb": one})
    assert await doer.look(action({"v": "10.20.3.4"}, host="$(v)"), ABOUT) == {"addresses": "10.20.3.4"}
    with pytest.raises(CannotBegin, match=r"10\.21\.3\.4 is private"):
        await doer.look(action({"v": "10.21.3.4"}, host="$(v)"), ABOUT)


async def test_a_fixed_name_is_judged_too() -> None:
    """A name in the configuration that turns out to be this machine is asked only where that is meant."""
    async with far() as there:
        url = f"http://localhost:{there.port}"
        with pytest.raises(CannotBegin, match="write private: true"):
            await HttpDoer({"lb": HttpEdge(url=url)}).look(action(), ABOUT)
        came = await done(HttpEdge(url=url, private=True), action())
    assert came.outcome == "succeeded"


@pytest.mark.parametrize(
    ("edges", "step", "word"),
    [
        ({}, {}, "no remediation.http.lb"),
        ({"lb": {"url": "https://lb.example"}}, {"method": "DELETE"}, "does not take DELETE"),
        ({"lb": {"url": "https://lb.example"}}, {"host": "a.example"}, "host is fixed"),
        ({"lb": {"url": "https://$(host)", "hosts": ["a"]}}, {}, "host is open"),
    ],
)
async def test_not_as_configured(edges: dict[str, Any], step: dict[str, Any], word: str) -> None:
    """A step that the configuration does not know, or not so, does not begin."""
    doer = HttpDoer({name: HttpEdge.model_validate(given) for name, given in edges.items()})
    with pytest.raises(CannotBegin, match=word):
        await doer.look(action(**step), ABOUT)
    came = await doer.do(action(**step), {}, ABOUT)
    assert (came.outcome, word in came.reason) == ("failed", True)


@pytest.mark.parametrize(
    ("given", "step", "told"),
    [
        ({"url": "https://lb"}, {}, []),
        ({"url": "https://lb"}, {"method": "PUT", "host": "$(v)"}, ["does not take PUT", "host is fixed"]),
        ({"url": "https://$(host)", "hosts": ["a"]}, {}, ["host is open"]),
        ({"url": "https://$(host)", "hosts": ["a"]}, {"host": "$(v)"}, []),
    ],
)
def test_checked_with_the_runbook(given: dict[str, Any], step: dict[str, Any], told: list[str]) -> None:
    """What a step gets wrong about its endpoint, whatever the values are, is told before anything is planned."""
    using = config(http={"lb": given})
    found = [message for _, message, _ in needed(HttpStep.model_validate({"endpoint": "lb", **step}), using)]
    assert [word in message for word, message in zip(told, found, strict=True)] == [True] * len(told)


async def test_tls_keeps_the_name(tmp_path: Path) -> None:
    """The connection goes to the address that was judged, and the certificate must be the name's."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("web-1.example").configure_cert(context)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with far(context) as there:
        more = {"url": f"https://$(host):{there.port}", "tls_config": {"ca_file": tmp_path / "ca.pem"}}
        one = open_edge(there.port, **more)
        both = [
            await done(one, action({"v": host}, host="$(v)"), resolve=resolve, judge=lambda *_: "")
            for host in ("web-1.example", "web-2.example")
        ]
        tls = {"ca_file": tmp_path / "ca.pem", "server_name": "web-1.example"}
        named = await done(edge(there.port, url=f"https://127.0.0.1:{there.port}", tls_config=tls), action())
    assert [came.outcome for came in (*both, named)] == ["succeeded", "failed", "succeeded"]
    assert "Hostname mismatch" in both[1].reason
    assert there.asked[0].headers["Host"] == f"web-1.example:{there.port}"
