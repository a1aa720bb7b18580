"""`tocsin runbooks` and `tocsin remediation`: what they show, and what they do about a running receiver."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from receiver.commands import receiver
from receiver.remediate.step import Done
from receiver.remediation_commands import remediation
from receiver.runbook_commands import runbooks
from tests.receiver.bodies import alert, body
from tests.receiver.remediate.healing import Healing, configured, healing, runbook, step
from tests.receiver.test_commands import TOCSIN, process

GUARD = {"name": "no deployment", "expr": "deploying", "at_most": 0}
NUMBERS = {"errors": 0.0, "deploying": 0.0}
BOOK = runbook(
    step("restart", rollback=True),
    automatic=False,
    guards=[GUARD],
    metadata={"name": "restart", "doc": "Restarts the player, which helps against leaks and not against load."},
)
PEOPLE: dict[str, Any] = {
    "users": {"alice": {"roles": ["admin"]}, "bob": {"roles": ["admin"]}},
    "notification_rules": [{"channel": "alice"}],
}
ASKING = BOOK | {"approval": {"count": 1, "expires": "30m"}}
PLAYER = body(alert(service="player"))


async def says(heals: Healing, *arguments: str, by: str = "alice", width: int = 100, code: int = 0) -> str:
    """What a command prints about this receiver."""
    url = str(heals.harness.client.make_url(""))
    group = remediation if arguments[0] == "remediation" else runbooks
    environment = {"TOCSIN_URL": url, "LOGNAME": by, "COLUMNS": str(width), "TOCSIN_TOKEN_FILE": ""}
    given = arguments[1:] if arguments[0] == "remediation" else arguments
    result: Result = await asyncio.to_thread(CliRunner().invoke, group, list(given), env=environment)
    await heals.harness.settle()
    assert result.exit_code == code, (result.output, result.exception)
    assert [line for line in result.output.splitlines() if len(line) > width] == []
    return result.output + (str(result.exception) if code == 1 and result.exception else "")


async def opened(heals: Healing) -> str:
    await heals.harness.post(PLAYER)
    (incident,) = await heals.harness.incidents()
    return str(incident["id"])


PLAN = """\
PlayerErrors is up
INCIDENT  critical, open

RUNBOOK  TARGET  NOW
restart  player  WOULD NOT BEGIN: guard no deployment: not at most 0

restart on player
            Restarts the player, which helps against leaks and not against load.
  now       WOULD NOT BEGIN: guard no deployment: not at most 0
  about     PlayerErrors (ALERT)
  step 1    run /opt/restart
            taken back by: run /opt/unrestart
  guard     NO   no deployment: 2, must be at most 0
  helped    if errors: at most 0, within 2m
  approval  1 person who may approve, within 30m
  limits    on one target 1 within 1h; in all 5 within 1h, 1 at once; 15m of
            rest for a target after any run on it
  plan      HASH
"""


async def test_a_plan_is_understood_at_once(tmp_path: Path) -> None:
    """The verdict first, then what each step does and takes back, what each guard says and why not."""
    async with healing(tmp_path, ASKING, numbers=NUMBERS | {"deploying": 2.0}, **PEOPLE) as heals:
        incident = await opened(heals)
        (would,) = json.loads(await says(heals, "plan", incident, "--format", "json"))["items"]
        told = await says(heals, "plan", incident[:6], width=80)
        told = told.replace(incident, "INCIDENT").replace(would["alert"]["id"], "ALERT")
        assert told.replace(would["plan"]["plan_hash"], "HASH") == PLAN
        heals.numbers.values["deploying"] = 0.0
        told = await says(heals, "plan", incident, width=80)
        assert "restart  player  waits for approval, then begins" in told
        assert f"run it    tocsin runbooks run {incident} restart --target player" in told


async def test_what_cannot_be_planned(tmp_path: Path) -> None:
    """The plan of a target that is not allowed says so; where nothing fits that is said, too."""
    async with healing(tmp_path, BOOK, numbers=NUMBERS) as heals:
        await heals.harness.post(body(alert(service="payroll")))
        (incident,) = await heals.harness.incidents()
        assert "CANNOT be planned: the target 'payroll' is not among" in await says(heals, "plan", incident["id"])
        assert "cannot be planned" in await says(heals, "run", incident["id"], "--yes", code=1)
        await heals.harness.post(body(alert("Other"), group="Other"))
        other = next(one["id"] for one in await heals.harness.incidents() if one["id"] != incident["id"])
        assert "No runbook is for the alerts of it that fire." in await says(heals, "plan", other)
        assert "no such runbook fits; those that do: none" in await says(heals, "run", other, code=1)


RECORD = """\
restart on player: ROLLED BACK
RUN  incident INCIDENT, tenant default

  asked by  bob at 2026-11-21 03:00:00: customers call
  values    service=player
  plan      HASH
  step 1    run /opt/restart
            taken back by: run /opt/unrestart
  approval  1 person who may approve, within 30m
            yes: alice at 2026-11-21 03:00:00: seen it

What was done (UTC)
  2026-11-21 03:00:00 step 1: run /opt/restart: FAILED in S s
      why       exit 3
      before    replicas=3
      | no space
      | left
  2026-11-21 03:00:00 taking back step 1: run /opt/unrestart: succeeded in S s
      before    replicas=3
      | did unrestart

Guards
  NAME           BEFORE  AFTER
  no deployment  0       0

  end       ROLLED BACK at 2026-11-21 03:00:00: step 1 failed: exit 3
"""


async def test_from_the_question_to_the_record(tmp_path: Path) -> None:
    """One asks, another sees the plan and agrees, and the record tells all of it."""
    async with healing(tmp_path, ASKING, numbers=NUMBERS, **PEOPLE) as heals:
        heals.hand.outcomes["restart"] = Done("failed", output="no space\nleft", reason="exit 3")
        heals.hand.before = {"replicas": "3"}
        incident = await opened(heals)
        told = await says(heals, "run", incident, "--yes", "--reason", "customers call", by="bob")
        (run,) = await heals.runs(incident)
        assert f"{run.id}: it waits for approval" in told
        listed = await says(heals, "approvals", "list")
        assert "step 1    run /opt/restart" in listed
        assert f"say yes   tocsin runbooks approvals approve {run.id}" in listed
        assert "somebody else must agree" in await says(heals, "approvals", "approve", run.id, "--yes", by="bob")
        told = await says(heals, "approvals", "approve", run.id[:6], "--yes", "--reason", "seen it")
        assert f"plan      {run.plan_hash}" in told
        assert "approved: it begins" in told
        record = await says(heals, "history", run.id[:6])
        for known, name in ((run.id, "RUN"), (incident, "INCIDENT"), (run.plan_hash, "HASH")):
            record = record.replace(known, name)
        record = record.replace("            yes: bob at 2026-11-21 03:00:00\n", "")
        assert re.sub(r" in [0-9.e-]+ s\n", " in S s\n", record) == RECORD
        again = await says(heals, "approvals", "approve", run.id, "--yes", code=1)
        assert "does not wait for approval: it is ROLLED BACK" in again
        assert "Nothing waits for approval." in await says(heals, "approvals", "list")
        assert "ROLLED BACK" in await says(heals, "history", "--incident", incident[:5])
        assert await says(heals, "history", "--outcome", "succeeded") == "No runs.\n"


async def test_what_was_seen_is_what_is_agreed_with(tmp_path: Path) -> None:
    """The hash of another plan is refused; without a terminal nobody is asked, and nothing is done unasked."""
    async with healing(tmp_path, ASKING, numbers=NUMBERS, **PEOPLE) as heals:
        incident = await opened(heals)
        assert "nobody can be asked here: add --yes" in await says(heals, "run", incident, code=1)
        assert await heals.runs(incident) == ()
        await says(heals, "run", incident, "restart", "--target", "player", "--yes", by="bob")
        (run,) = await heals.runs(incident)
        stale = await says(heals, "approvals", "approve", run.id, "--plan", "0" * 24, "--yes", code=1)
        assert "that is not the plan as it stands" in stale
        assert "nobody can be asked here" in await says(heals, "approvals", "approve", run.id, code=1)
        assert "rejected: nothing" in await says(heals, "approvals", "reject", run.id, "--reason", "not now")
        assert "it is rejected" in await says(heals, "approvals", "approve", run.id, "--yes", code=1)
        assert heals.hand.did == []


@pytest.mark.parametrize(("answer", "code", "did"), [("n", 1, []), ("y", 0, ["restart"])])
async def test_a_terminal_is_asked(tmp_path: Path, answer: str, code: int, did: list[str]) -> None:
    """On a terminal the plan is shown and asked about; a no asks for nothing."""
    async with healing(tmp_path, BOOK, numbers=NUMBERS) as heals:
        incident = await opened(heals)
        ours, theirs = pty.openpty()
        os.write(ours, f"{answer}\n".encode())
        arguments = [*TOCSIN, "runbooks", "run", incident, "--url", str(heals.harness.client.make_url(""))]
        process = await asyncio.create_subprocess_exec(*arguments, stdin=theirs, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        await heals.harness.settle()
        for end in (ours, theirs):
            os.close(end)
        assert (process.returncode, heals.hand.did) == (code, did)
        assert "step 1    run /opt/restart" in said.decode()
        assert "Run restart on player?" in said.decode()


async def test_dry_run_and_cancel(tmp_path: Path) -> None:
    """A dry run asks nobody and does nothing; what has not begun is called off."""
    async with healing(tmp_path, ASKING, numbers=NUMBERS, **PEOPLE) as heals:
        incident = await opened(heals)
        assert "it shows what it would do" in await says(heals, "run", incident, "--dry-run")
        await says(heals, "run", incident, "--yes")
        run = (await heals.runs(incident))[-1]
        assert "cancelled: nothing of it" in await says(heals, "cancel", run.id[:5], "--reason", "by hand")
        assert "the run is over: cancelled" in await says(heals, "cancel", run.id)
        outcomes = {line.split()[0]: line for line in (await says(heals, "history")).splitlines()[1:]}
        assert "cancelled  by hand" in outcomes[run.id]
        assert (heals.hand.did, sum("it would have begun" in line for line in outcomes.values())) == ([], 1)


async def test_several_fit(tmp_path: Path) -> None:
    """Which is meant must be said, and the message says how."""
    async with healing(tmp_path, BOOK, BOOK | {"metadata": {"name": "drain"}}, numbers=NUMBERS) as heals:
        incident = await opened(heals)
        told = await says(heals, "run", incident, "--yes", code=1)
        assert "several fit, say which: drain --target player, restart --target player" in told
        assert "it begins unless" in await says(heals, "run", incident, "drain", "--yes")


async def test_the_switch(tmp_path: Path) -> None:
    """Stopped, by whom and why; started again; and both are remembered."""
    async with healing(tmp_path, BOOK, numbers=NUMBERS) as heals:
        assert await says(heals, "remediation", "status") == "Remediation is on.\n"
        assert "nothing begins any more" in await says(heals, "remediation", "stop", "--reason", "moving house")
        assert "is stopped already, by alice" in await says(heals, "remediation", "stop", "--reason", "x", by="bob")
        assert "UTC by alice: moving house" in await says(heals, "remediation", "status")
        incident = await opened(heals)
        assert "WOULD NOT BEGIN: all remediation was stopped by alice" in await says(heals, "plan", incident)
        assert await says(heals, "remediation", "start", by="bob") == "remediation goes on\n"
        assert await says(heals, "remediation", "start") == "nothing had stopped it\n"
        assert re.search(r"alice  2026-11-21 03:00:00  bob +moving house", await says(heals, "remediation", "status"))


async def test_the_list(tmp_path: Path) -> None:
    """The same list from a running receiver and from its configuration file; narrow terminals get narrow lines."""
    async with healing(tmp_path, ASKING, numbers=NUMBERS) as heals:
        told = await says(heals, "list", width=60)
        file = str(tmp_path / "receiver.yml")
        assert await says(heals, "list", "--config.file", file, width=60) == told
        for word in ("restart: acts, begins only when a person asks", "allowed: player, cart", "run /opt/restart"):
            assert word in told


def checked(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(runbooks, ["check", *arguments])
    return result.exit_code, result.output


def test_check(tmp_path: Path) -> None:
    """Exit 0 without errors, 1 with, 2 for unusable arguments; with a configuration more is known."""
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text(yaml.safe_dump(BOOK))
    bad.write_text(yaml.safe_dump(BOOK | {"mode": "perhaps"}))
    code, told = checked(str(good))
    assert (code, told.splitlines()[-1].endswith(" in 1 file")) == (0, True)
    code, told = checked(str(good), str(bad))
    assert (code, f"{bad}:" in told, told.splitlines()[-1]) == (1, True, "1 error in 2 files")
    code, told = checked(str(bad), "--format", "json")
    (problem,) = [one for one in json.loads(told)["problems"] if one["severity"] == "error"]
    assert (code, problem["file"]) == (1, str(bad))
    assert checked()[0] == 2
    asks = tmp_path / "asks.yml"
    asks.write_text(yaml.safe_dump(BOOK | {"approval": {"role": "wizard"}}))
    configured(tmp_path, [BOOK], {})
    code, told = checked(str(asks), "--config.file", str(tmp_path / "receiver.yml"))
    assert (code, "wizard" in told) == (1, True)


PAGE = (Path(__file__).parents[2] / "docs/reference/runbooks/commands.md").read_text()


def commands(group: typer.Typer, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command of a group, by its whole name."""
    for name, command in typer.main.get_command(group).commands.items():  # type: ignore[attr-defined]
        for below, one in getattr(command, "commands", {"": command}).items():
            yield " ".join(("tocsin", *path, name, below)).strip(), one


def test_every_command_is_documented() -> None:
    """Each command of both groups stands in the reference, and each of their options."""
    known = dict([*commands(runbooks, "runbooks"), *commands(remediation, "remediation")])
    known["tocsin receiver worker"] = dict(commands(receiver, "receiver"))["tocsin receiver worker"]
    assert [name for name in known if not re.search(rf"^\| `{name}[ `]", PAGE, re.MULTILINE)] == []
    options = {option for one in known.values() for parameter in one.params for option in parameter.opts}
    shared = {"--help", "--url", "--format"}
    missing = [name for name in sorted(options - shared) if name.startswith("--") and f"`{name}`" not in PAGE]
    assert missing == []


WORKERS = [
    (("--kinds", "messages"), "a worker of messages is unknown: --kinds remediation"),
    (("--kinds", "remediation"), "a worker of its own needs a store that processes share"),
]


@pytest.mark.parametrize(("arguments", "says"), WORKERS)
def test_a_worker_that_cannot_be(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    """What it cannot work on, and a store that it cannot share, are told with exit code 2."""
    run = process("receiver", "worker", *arguments, "--storage.path", str(tmp_path / "store"))
    assert (run.returncode, says in run.stderr) == (2, True), run
