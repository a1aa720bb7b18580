"""`schedules` in the configuration: what may stand there, and what is told of what may not."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from receiver.config import ReceiverConfig
from receiver.oncall.business_hours import BusinessHours
from receiver.oncall.settings import ScheduleSettings
from tocsin.config import load
from tocsin.errors import InputError, MissingExtra
from tocsin.problem import as_text

WHOLE = """\
users: {alice: {}, bob: {}, carol: {}, dora: {}, zoe: {}}
schedules:
  database:
    timezone: Europe/Berlin
    holidays: {country: NO}
    layers:
      - {rotation: weekly, users: [alice, bob], start: 2026-01-05, handover: 12:30}
      - name: office
        rotation: weekdays
        users: [carol]
        start: 2026-01-05 08:00:00
        handover: {weekdays: [Mon, Wednesday], time: "09:00"}
        restrict:
          - {weekdays: Mon-Fri, hours: 09:00-17:00}
        skip_holidays: true
    overrides:
      - {from: 2026-12-24, to: 2026-12-26T09:00, user: zoe}
      - {from: 2026-12-24, to: 2026-12-27, user: alice, swap_with: dora}
"""


def loaded(folder: Path, text: str) -> ReceiverConfig:
    file = folder / "receiver.yml"
    file.write_text(text)
    return load(file, ReceiverConfig)


def test_a_whole_schedule(tmp_path: Path) -> None:
    """A schedule reads as people write it, an unquoted 12:30 and Norway included; it knows everybody in it."""
    settings = loaded(tmp_path, WHOLE).schedules["database"]
    assert settings.people() == {"alice", "bob", "carol", "dora", "zoe"}
    schedule = settings.schedule("database")
    first = schedule.at(datetime(2026, 1, 5, 11, 30, tzinfo=UTC))
    assert first is not None
    assert (first.user, first.start) == ("carol", datetime(2026, 1, 5, 8, tzinfo=UTC))
    holiday = schedule.at(datetime(2026, 5, 1, 10, tzinfo=UTC))
    assert holiday is not None
    assert holiday.layer == "1"


LAYER = "{rotation: weekly, users: [alice], start: 2026-01-05}"
PROBLEMS: list[tuple[str, str, str]] = [
    ("timezone: Berlin", LAYER, "receiver.yml:3:15: error: schedules.x.timezone: there is no time zone 'Berlin'"),
    ("holidays: {country: XX}", LAYER, "no holidays are known of 'XX'; write a country's two letters"),
    ("holidays: {country: DE, subdivision: XX}", LAYER, "no subdivision 'XX' of DE is known; known: BB, BE, BW"),
    ("", "{rotation: weekly}", "receiver.yml:5:9: error: schedules.x.layers.0: a rotation needs 'users'"),
    ("", "{users: [alice]}", "either 'rotation' (daily, weekly, weekdays, hours) or 'ical'"),
    ("", "{rotation: weekly, users: [alice]}", "needs 'start'"),
    ("", "{rotation: weekly, users: [alice], start: 5 Jan}", "write it as 2026-01-05 or 2026-01-05T09:00"),
    ("", "{rotation: weekly, users: [alice], start: 2026-01-05T09:00Z}", "has an offset; write it without"),
    ("", "{rotation: weekly, users: [alice], start: 2026-01-05, until: 2026-01-05}", "'until' must be later"),
    ("", "{rotation: weekly, users: [alice], start: 2026-01-05, handover: Mon-Tue}", "names one weekday in a weekly"),
    ("", "{rotation: daily, users: [alice], start: 2026-01-05, handover: Mon 9:00}", "names one weekday in a weekly"),
    ("", "{rotation: weekly, users: [alice], start: 2026-01-05, handover: Someday}", "'Someday' is not a weekday"),
    (
        "",
        "{rotation: weekly, users: [alice], start: 2026-01-05, handover: '25:00'}",
        "'25:00' is not a time of the day",
    ),
    ("", "{rotation: weekly, users: [alice], start: 2026-01-05, every: 10d}", "must be whole weeks: 1w, 2w"),
    ("", "{rotation: hours, users: [alice], start: 2026-01-05}", "needs 'every', from 1h on"),
    ("", "{rotation: hours, users: [alice], start: 2026-01-05, every: 30m}", "needs 'every', from 1h on"),
    ("", "{rotation: weekdays, users: [alice], start: 2026-01-05}", "needs 'handover: Mon, Fri 09:00'"),
    ("", "{rotation: weekly, users: [a b], start: 2026-01-05}", "schedules.x.layers.0.users.0"),
    ("", LAYER[:-1] + ", restrict: {hours: 9-17}}", "'9' is not a time of the day; write it as 09:00"),
    ("", LAYER[:-1] + ", restrict: {hours: 09:00-09:00}}", "covers nothing; write the whole day as 00:00-24:00"),
    ("", LAYER[:-1] + ", restrict: {days: Mon}}", "unknown key 'schedules.x.layers.0.restrict.days'"),
    ("", LAYER[:-1] + ", skip_holidays: true}", "say whose: holidays: {country: DE, subdivision: BE}"),
    ("holidays: {country: DE}", LAYER[:-1] + ", skip_holidays: true, only_holidays: true}", "make it two layers"),
    ("", "{ical: {file: x.ics}, users: [alice]}", "'users' does not go with 'ical'"),
    ("overrides: [{from: 2026-02-02, to: 2026-02-01, user: alice}]", LAYER, "'to' must be later than 'from'"),
    ("overrides: [{from: 2026-02-01, to: 2026-02-02, user: a, swap_with: a}]", LAYER, "swap with themself"),
]


@pytest.mark.parametrize(("more", "layer", "told"), PROBLEMS, ids=[told[:50] for _, _, told in PROBLEMS])
def test_problems(tmp_path: Path, more: str, layer: str, told: str) -> None:
    """What cannot work is told with its place, what it is, and the way out."""
    with pytest.raises(InputError) as raised:
        loaded(tmp_path, f"schedules:\n  x:\n    {more or 'timezone: UTC'}\n    layers:\n      - {layer}\n")
    text = as_text(raised.value.problems)
    assert told in text
    assert "receiver.yml:" in text


def test_two_layers_of_one_name(tmp_path: Path) -> None:
    """Layers that share a name cannot be told apart."""
    twice = "{name: a, rotation: weekly, users: [alice], start: 2026-01-05}"
    with pytest.raises(InputError) as raised:
        loaded(tmp_path, f"schedules:\n  x:\n    layers: [{twice}, {twice}]\n")
    assert "two layers are named 'a'" in as_text(raised.value.problems)


@pytest.mark.parametrize("module", ["holidays", "icalendar"])
def test_packages_that_are_not_installed(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the packages for calendars whoever needs them hears of the extra."""
    monkeypatch.setitem(sys.modules, module, None)
    said: dict[str, dict[str, Any]] = {
        "holidays": {
            "layers": [{"rotation": "daily", "users": ["a"], "start": "2026-01-05"}],
            "holidays": {"country": "DE"},
        },
        "icalendar": {"layers": [{"ical": {"file": str(tmp_path / "x.ics")}}]},
    }
    with pytest.raises(MissingExtra, match=rf"{module} is not installed: pip install 'tocsin\[calendar\]'"):
        ScheduleSettings.model_validate(said[module]).schedule("x")


HOURS = [
    ({}, "2026-11-20T16:59", True),  # a Friday
    ({}, "2026-11-20T17:00", False),
    ({}, "2026-11-20T08:59", False),
    ({}, "2026-11-21T12:00", False),
    ({"timezone": "Europe/Berlin"}, "2026-11-20T08:00", True),
    ({"timezone": "Europe/Berlin"}, "2026-07-20T07:00", True),
    ({"timezone": "Europe/Berlin"}, "2026-07-20T15:00", False),
    ({"weekdays": "Fri", "from": "22:00", "to": "06:00"}, "2026-11-21T05:59", True),
    ({"weekdays": "Fri", "from": "22:00", "to": "06:00"}, "2026-11-20T05:59", False),
    ({"weekdays": ["Sat"], "from": "00:00", "to": "24:00"}, "2026-11-21T23:59", True),
    ({"holidays": {"country": "DE"}}, "2026-12-25T12:00", False),
    ({"holidays": {"country": "DE"}}, "2026-12-24T12:00", True),
]


@pytest.mark.parametrize(("said", "at", "covered"), HOURS)
def test_business_hours(said: dict[str, Any], at: str, covered: bool) -> None:
    """Business hours are those of their own zone, over midnight too, and not on holidays."""
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    hours = BusinessHours.model_validate(said)
    assert hours.covers(moment) == covered
    assert any(span.covers(moment) for span in hours.hours().spans(moment, moment.replace(second=1))) == covered


def test_business_hours_that_cover_nothing() -> None:
    """Hours without a length are a mistake."""
    with pytest.raises(ValueError, match="cover nothing"):
        BusinessHours.model_validate({"from": "09:00", "to": "09:00"})
