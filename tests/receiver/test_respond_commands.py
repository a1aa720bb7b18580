"""`tocsin incidents create`, `snooze` and the like: what they take for a time, and what they say."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from receiver.local_times import local, moment
from tests.commands import tocsin
from tests.receiver.test_commands import running
from tocsin.errors import UsageError

CET = timezone(timedelta(hours=1), "CET")
NOW = datetime(2026, 11, 21, 22, 15, tzinfo=CET)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("23:00", "2026-11-21T23:00:00+01:00"),
        ("06:00", "2026-11-22T06:00:00+01:00"),
        ("22:15", "2026-11-22T22:15:00+01:00"),
        ("2026-12-01T06:00:00Z", "2026-12-01T06:00:00+00:00"),
    ],
)
def test_until_when(text: str, means: str) -> None:
    """A time of day is the next one; what has an offset stays as it is."""
    assert moment(text, NOW) == means


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2026-13-01T06:00"])
def test_no_time(text: str) -> None:
    """What is no time is refused with one that is."""
    with pytest.raises(UsageError, match="write it as 06:00"):
        moment(text, NOW)


def test_times_as_people_read_them() -> None:
    """A time is told in the reader's zone, with its date only on another day."""
    assert local("2026-11-21T22:30:00Z", NOW) == "23:30 CET"
    assert local("2026-11-22T05:00:00Z", NOW) == "2026-11-22 06:00 CET"


@pytest.mark.slow(20)
def test_from_the_command_line(tmp_path: Path) -> None:
    """Each command says what is so now; of several ids those that cannot be are told, with exit code 1."""
    with running(tmp_path) as url:

        def says(*arguments: str, code: int = 0) -> str:
            run = tocsin("incidents", *arguments, TOCSIN_URL=url, TZ="UTC", LOGNAME="alice")
            assert run.returncode == code, run
            return run.stdout + run.stderr

        told = says("create", "Payments are stuck", "--severity", "critical", "--label", "service=pay")
        incident = told.split()[0]
        assert "Payments are stuck: opened; nobody is told: no policy applies" in told
        assert "snoozed until " in says("snooze", incident, "--for", "1m")
        assert "its escalation begins anew" in says("unsnooze", incident[:6])
        assert "info from now on" in says("severity", incident, "info")
        assert "noted" in says("comment", incident, "the vendor is on it")
        assert "it has no escalation policy" in says("escalate", incident, code=1)
        assert "there is no user 'bob'" in says("reassign", incident, "--to", "bob", code=1)
        both = says("ack", incident, "zzzz", code=1)
        assert "acknowledged: nobody else is told" in both
        assert "there is no incident zzzz" in both
        assert incident in says("list", "--text", "PAY", "--acknowledged-by", "alice", "--since", "00:00")
        assert says("list", "--severity", "critical") == "No incidents: all quiet.\n"
        assert "not a label" in says("create", "x", "--label", "service", code=2)
        assert "say until when" in says("snooze", incident, code=2)
