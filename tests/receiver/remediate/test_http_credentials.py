"""Who steps of kind `http` are to their far sides, and that nobody else learns it."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.remediate.step import CannotBegin, NotNow
from receiver.remediate.steps.http_asking import MOST_BODY
from receiver.remediate.steps.http_doer import HttpDoer
from receiver.remediate.steps.http_edge import HttpEdge
from tests.receiver.remediate.far_http import ABOUT, action, asked, done, edge, far


async def test_credentials_are_masked(tmp_path: Path) -> None:
    """A far side that repeats what it was sent puts no secret into the record."""
    (tmp_path / "token").write_text("s3cr3t-t0ken\n")
    (tmp_path / "key").write_text("k3y-of-the-house\n")
    more = {
        "authorization": {"credentials_file": tmp_path / "token"},
        "http_headers": {"X-Key": {"files": [tmp_path / "key"]}, "X-Env": {"values": ["production"]}},
    }
    async with far() as there:
        came = await asked(there, action(path="/echo"), **more)
        basic = {"basic_auth": {"username": "tocsin", "password_file": tmp_path / "token"}}
        encoded = await asked(there, action(path="/echo"), **basic)
        there.body = "the password is s3cr3t-t0ken"
        said = await asked(there, action(path="/401", expect_json={"a": 1}), **basic)
    assert there.asked[0].headers["Authorization"] == "Bearer s3cr3t-t0ken"
    assert there.asked[0].headers["X-Key"] == "k3y-of-the-house"
    for one in (came, encoded, said):
        for secret in ("s3cr3t", "k3y", there.asked[1].headers["Authorization"].split()[1]):
            assert secret not in one.output + one.reason
    assert "production" in came.output


async def test_a_secret_that_is_cut_in_two(tmp_path: Path) -> None:
    """Where the reading of a long answer ends, no half of a secret is left."""
    (tmp_path / "token").write_text("s3cr3t-t0ken")
    async with far() as there:
        there.body = "x" * (MOST_BODY - 8) + "s3cr3t-t0ken" + "y" * MOST_BODY
        came = await asked(there, action(), authorization={"credentials_file": tmp_path / "token"})
    assert (came.outcome, "s3" in came.output) == ("succeeded", False)
    assert came.output.endswith("x\n… the rest was not read …")


async def test_secret_that_cannot_be_read(tmp_path: Path) -> None:
    """A secret that is not there keeps the step from beginning."""
    one = edge(1, authorization={"credentials_file": tmp_path / "gone"})
    with pytest.raises(CannotBegin, match="cannot be read"):
        await HttpDoer({"lb": one}).look(action(), ABOUT)
    assert (await done(one, action())).outcome == "failed"


async def test_tokens() -> None:
    """A token by OAuth 2 is asked for at its own address; one that nobody gives now is a reason to wait.

    One that the far side refused is not shown again.
    """
    async with far() as there, far() as gives:
        gives.body = '{"access_token": "t0ken-of-today"}'
        oauth = {"client_id": "me", "client_secret_file": __file__, "token_url": f"{gives.url}/200"}
        doer = HttpDoer({"lb": edge(there.port, oauth2=oauth)})
        came = await doer.do(action(path="/echo"), {}, ABOUT)
        assert there.asked[0].headers["Authorization"] == "Bearer t0ken-of-today"
        assert (came.outcome, "t0ken-of" in came.output) == ("succeeded", False)
        for path, times in (("/200", 1), ("/401", 1), ("/200", 2)):
            await doer.do(action(path=path), {}, ABOUT)
            assert len(gives.asked) == times
        doer.edges = {"lb": edge(there.port, oauth2=oauth | {"token_url": f"{gives.url}/503"})}
        with pytest.raises(NotNow):
            await doer.look(action(), ABOUT)
        assert (await doer.do(action(), {}, ABOUT)).outcome == "failed"
        await doer.close()
    assert len(there.asked) == 4


async def test_proxy() -> None:
    """Behind a proxy the proxy looks the host up; it is a fixed one, so no alert has a say in it."""
    async with far() as proxy:
        came = await done(HttpEdge(url="http://lb.example", proxy_url=proxy.url), action())
        assert (
            await HttpDoer({"lb": HttpEdge(url="http://lb.example", proxy_url=proxy.url)}).look(action(), ABOUT) == {}
        )
    assert (came.outcome, proxy.asked[0].headers["Host"]) == ("succeeded", "lb.example")
