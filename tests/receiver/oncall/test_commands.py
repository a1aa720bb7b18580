"""`tocsin oncall`, on a file alone and against a running receiver."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest

from receiver.oncall.grid import calendar, duration
from receiver.oncall.settings import ScheduleSettings
from receiver.oncall.shapes import schedule_json
from tests.commands import tocsin
from tests.receiver.oncall.properties import read_back
from tests.receiver.oncall.test_schedule import utc
from tests.receiver.test_commands import refused, running

CONFIG = """\
users: {alice: {name: Alice Anders}, bob: {}, frank: {}, grace: {}, zoe: {}, root: {roles: [admin]}}
schedules:
  database:
    timezone: Europe/Berlin
    layers:
      - {rotation: weekly, users: [alice, bob], start: 2026-01-05, handover: Mon 09:00}
  shop:
    timezone: America/New_York
    layers:
      - rotation: daily
        users: [frank, grace]
        start: 2026-01-05T08:00
        restrict: {weekdays: Mon-Fri, hours: 08:00-20:00}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "receiver.yml"
    path.write_text(CONFIG)
    return str(path)


def test_who(file: str) -> None:
    """`who` names who is on call, until when, who is next and why, in each schedule's own time."""
    result = tocsin("oncall", "who", "--at", "2026-12-24T20:30", "--config.file", file)
    assert result.stdout.splitlines() == [
        "SCHEDULE  ON CALL               UNTIL                     THEN   WHY",
        "database  alice (Alice Anders)  Mon 2026-12-28 09:00 CET  bob    layer 1",
        "shop      NOBODY                Fri 2026-12-25 08:00 EST  frank  nobody is on call",
    ]
    told = json.loads(tocsin("oncall", "who", "--schedule", "shop", "--config.file", file, "--format", "json").stdout)
    assert [one["schedule"] for one in told["items"]] == ["shop"]


def test_gaps(file: str) -> None:
    """`gaps` ends with 1 when nobody is on call at some time within the weeks, else with 0."""
    found = tocsin("oncall", "gaps", "--weeks", "1", "--config.file", file)
    assert found.returncode == 1
    assert "database: Somebody is on call at every moment." in found.stdout
    assert "shop: Nobody is on call 6 times" in found.stdout
    none = tocsin("oncall", "gaps", "--schedule", "database", "--config.file", file)
    assert (none.returncode, none.stdout) == (0, "database: Somebody is on call at every moment.\n")


def test_export(file: str, tmp_path: Path) -> None:
    """`export` writes a calendar that programs can read."""
    out = tmp_path / "database.ics"
    assert tocsin("oncall", "export", "database", "-o", str(out), "--weeks", "3", "--config.file", file).returncode == 0
    assert b"SUMMARY:alice\r\n" in out.read_bytes()
    read_back(out.read_bytes())


def test_what_cannot_be_done(file: str, tmp_path: Path) -> None:
    """Mistakes are one line each with the way out."""
    ask = ("--config.file", file)
    refused(tocsin("oncall", "who", "--schedule", "nope", *ask), 1, "no schedule 'nope'; known: database, shop")
    refused(tocsin("oncall", "who", "--at", "soon", *ask), 2, "'soon' is not a time; write it as 2026-12-24T18:00")
    refused(tocsin("oncall", "who", "--url", "http://127.0.0.1:9", *ask), 2, "leave --url out")
    refused(tocsin("oncall", "who", "--url", "http://127.0.0.1:9"), 1, "is the receiver running?")
    empty = tmp_path / "empty.yml"
    empty.write_text("{}")
    refused(tocsin("oncall", "show", "--config.file", str(empty)), 2, "has no schedules; write them under schedules")


def test_the_calendar() -> None:
    """A row a day with a bar for each person; overlaps, overrides, gaps and days on which clocks change are marked."""
    shown = schedule_json(
        ScheduleSettings.model_validate(
            {
                "timezone": "Europe/Berlin",
                "layers": [
                    {"rotation": "weekly", "users": ["alice"], "start": "2026-01-05", "until": "2026-10-25T20:00"},
                    {
                        "rotation": "daily",
                        "users": ["dora"],
                        "start": "2026-01-05",
                        "restrict": {"hours": "08:00-16:00"},
                    },
                ],
                "overrides": [{"from": "2026-10-25T14:00", "to": "2026-10-25T18:00", "user": "zoe"}],
            }
        ).schedule("x"),
        utc("2026-10-23T22:00"),
        utc("2026-10-26T23:00"),
    )
    drawn = calendar(shown).splitlines()
    assert drawn[3:8] == [
        "Sat 24 Oct  │alice──────────│dora═══════════│alice──────────",
        "Sun 25 Oct  │alice──────────│dora═══════│zoe*═══│ali·nobody·  a day of 25h",
        "",
        "Mon 26 Oct  ·nobody·········│dora───────────·nobody·········",
        "",
    ]
    assert drawn[9:] == [
        "Nobody is on call 2 times, for 20h in all:",
        "  Sun 25 Oct 20:00 – Mon 26 Oct 08:00 (12h)",
        "  Mon 26 Oct 16:00 – Tue 27 Oct 00:00 (8h)",
    ]


def test_durations() -> None:
    """Durations read as people say them."""
    said = [
        utc("2026-01-03T01:30") - utc(start) for start in ("2026-01-03T01:00", "2026-01-02T00:00", "2026-01-01T00:30")
    ]
    assert [duration(length) for length in said] == ["30m", "25h 30m", "2d 1h"]


@pytest.mark.slow
def test_a_running_receiver(file: str, tmp_path: Path) -> None:
    """Overrides and swaps are added, listed and removed; who, show and export tell of them."""
    store, token = tmp_path / "store", str(tmp_path / "token")
    store.mkdir()
    root = ("--user", "root", "--scope", "admin:all", "--output", token)
    assert tocsin("tokens", "create", *root, "--config.file", file, "--storage.path", str(store)).returncode == 0
    with running(store, "--config.file", file) as url:

        def oncall(*arguments: str) -> subprocess.CompletedProcess[str]:
            return tocsin("oncall", *arguments, TOCSIN_URL=url, TOCSIN_TOKEN_FILE=token)

        added = oncall("override", "database", "zoe", "--from", "2098-12-24", "--to", "2098-12-25T09:00", "--by", "bob")
        assert added.stdout.endswith("database: zoe, Wed 2098-12-24 00:00 CET – Thu 2098-12-25 09:00 CET\n"), added
        swapped = oncall("swap", "database", "alice", "bob", "--from", "2098-12-26", "--to", "2098-12-29")
        assert "alice and bob swap" in swapped.stdout
        assert oncall("who", "--schedule", "database", "--at", "2098-12-24T12:00").stdout.split()[7] == "zoe"
        assert "│zoe*" in oncall("show", "--schedule", "database", "--from", "2098-12-24", "--weeks", "1").stdout
        listed = oncall("overrides", "database").stdout.splitlines()
        assert [line.split()[1] for line in listed] == ["STATUS", "planned", "planned"]
        number = added.stdout.split()[0]
        assert oncall("remove", "database", number[:5]).stdout == f"{number}: removed\n"
        assert "had been removed by" in oncall("remove", "database", number).stdout
        assert len(oncall("overrides", "database").stdout.splitlines()) == 2
        assert oncall("export", "shop", "-o", str(tmp_path / "x.ics")).returncode == 0
        assert oncall("gaps", "--weeks", "1").returncode == 1
        refused(oncall("override", "nope", "zoe", "--from", "2098-12-24", "--to", "2098-12-25"), 1, "known: database")


def test_nobody_listens() -> None:
    """A receiver that is not there is named."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    refused(tocsin("oncall", "overrides", "x", "--url", url), 1, url)
