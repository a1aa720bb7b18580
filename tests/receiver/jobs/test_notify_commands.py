"""`tocsin notify dead`, and what its page says."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from receiver.jobs import back_off, gate, handlers
from receiver.notify.channel import ChannelRefused
from receiver.notify_commands import dead
from receiver.preview_commands import notify
from receiver.store.jobs import CLAIM_LASTS
from receiver.store.outbox import STATES
from tests.receiver.bodies import alert, body
from tests.receiver.harness import escalation, receiver
from tocsin.errors import UsageError

PAGE = (Path(__file__).parents[3] / "docs/reference/outbox.md").read_text()


async def _run(url: str, *arguments: str) -> str:
    result = await asyncio.to_thread(CliRunner().invoke, notify, ["dead", *arguments, "--url", url])
    assert result.exit_code == 0, result.output
    return result.output


async def test_dead_letters_from_the_command_line(tmp_path: Path) -> None:
    """They are listed with the reason, and put back one by one or all of a channel."""
    async with receiver(tmp_path, escalation(("0s", ("alice", "bob")))) as tocsin:
        for phone in tocsin.phones.values():
            phone.failures.append(ChannelRefused("no such number"))
        url = str(tocsin.client.make_url("")).rstrip("/")
        assert await _run(url, "list") == "No message was given up.\n"
        await tocsin.post(body(alert()))
        listed = (await _run(url, "list")).splitlines()
        assert len(listed) == 3
        assert all("no such number" in line for line in listed[1:])
        (of_bob,) = json.loads(await _run(url, "list", "--channel", "bob", "--format", "json"))["items"]
        assert (await _run(url, "retry", str(of_bob["id"]), "--by", "eve")).startswith("1 message put back")
        assert (await _run(url, "retry", "--channel", "alice")).startswith("1 message put back")
        assert (await _run(url, "retry", "--all")).startswith("0 messages put back")
        await tocsin.settle()
        assert [len(phone.told) for phone in tocsin.phones.values()] == [1, 1]


@pytest.mark.parametrize("arguments", [[], ["3", "--all"], ["--all", "--channel", "sms"]])
def test_which_ones_must_be_said(arguments: list[str]) -> None:
    """Nothing is put back by accident."""
    result = CliRunner().invoke(dead, ["retry", *arguments])
    assert isinstance(result.exception, UsageError)
    assert "--all" in str(result.exception)


def test_the_page_says_what_the_code_does() -> None:
    """States, figures and options stand on the page of the outbox."""
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(STATES)
    parameters = typer.main.get_command(dead).commands["retry"].params  # type: ignore[attr-defined]
    assert {o for p in parameters for o in p.opts} - {"--help", "--url", "--by", "--format"} == {
        "number",
        "--all",
        "--channel",
    }
    said = (
        f"after {handlers.MAX_ATTEMPTS} attempts",
        f"{gate.FAILURES} failures in a row, or {gate.FEW_FAILURES} in a row",
        f"left alone for {gate.FIRST_PAUSE.seconds} s",
        f"up to {gate.LONGEST_PAUSE.seconds // 60} minutes; if it arrives",
        f"longer than {handlers.DIVERTED_AFTER.seconds} s",
        f"lapses {CLAIM_LASTS.seconds} s",
    )
    assert [text for text in said if text not in PAGE] == []


def test_back_off() -> None:
    """From a quarter of a second to five minutes, doubling, between half of it and the whole."""
    for attempt, most in enumerate((0.25, 0.5, 1, 2, 4), start=1):
        waits = [back_off.back_off(attempt).total_seconds() for _ in range(50)]
        assert most / 2 <= min(waits) <= max(waits) <= most
        assert len(set(waits)) > 1
    assert 150 <= back_off.back_off(60).total_seconds() <= 300
