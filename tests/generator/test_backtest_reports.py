"""What a backtest comes to, and how it is told: figures, comparisons, text, JSON, Markdown and the page."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.backtest import moments
from generator.backtest.curves import Comparison, Curve, Curves
from generator.backtest.outcome import Data, Firing
from generator.backtest.report import Report
from generator.backtest.reporting import as_html, as_json, as_markdown, as_text, words
from generator.backtest.reporting.timeline import pieces
from generator.backtest.summary import Summary, summarised
from tests.generator.backtested import (
    DAY,
    HOUR,
    MINUTE,
    SPAN,
    START,
    fired,
    incident,
    outcome,
    reported,
    rule,
)
from tocsin import promql
from tocsin.problem import Position, Problem

NASTY = "a|b`c`<script>alert(1)</script>\x1b[31m\n@admin #1 *x* _y_ [l](http://h) \\ &amp;"


def summary(*firings: Firing, data: Data | None = None, zone: str = "UTC") -> Summary:
    return summarised(outcome(*firings, data=data), SPAN, ZoneInfo(zone))


def test_figures() -> None:
    """Per label set and in all: how often, how long, the longest; what still fires lasts until the range's end."""
    found = summary(
        fired(DAY, HOUR, instance="a"),
        fired(DAY + 70 * MINUTE, 5 * MINUTE, instance="a"),
        fired(13 * DAY, None, instance="b"),
    )
    assert [(one.labels["instance"], one.tally.firings) for one in found.sets] == [("b", 1), ("a", 2)]
    tally = found.tally
    assert (tally.firings, tally.flaps, tally.firing_now) == (3, 1, 1)
    assert (tally.firing, tally.longest) == (DAY + 65 * MINUTE, DAY)
    assert found.pages_a_week == 1.5


@pytest.mark.parametrize(("minutes", "flaps"), [(15, 1), (16, 0)])
def test_a_flap_is_the_same_label_set_within_a_quarter_of_an_hour(minutes: int, flaps: int) -> None:
    """Another label set, or a later time, is no flap."""
    again = fired(HOUR + minutes * MINUTE, HOUR, instance="a")
    other = fired(HOUR + minutes * MINUTE, HOUR, instance="b")
    assert summary(fired(0 * HOUR, HOUR, instance="a"), again, other).tally.flaps == flaps


def test_pages_by_hour_are_those_of_the_zone() -> None:
    """A firing at 23:30 UTC is one of the next day's first hour in Berlin, and in summer of the second."""
    at = timedelta(hours=23, minutes=30)
    winter = summary(fired(at, HOUR), fired(DAY + at, HOUR), zone="Europe/Berlin").by_hour
    assert winter is not None
    assert (winter[0], sum(winter)) == (1.0, 1.0)
    assert moments.minute(datetime(2026, 7, 1, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin")) == "2026-07-02 01:30"


def test_what_began_before_the_range_is_no_page() -> None:
    """It fired within the range, but nobody was called then."""
    found = summary(fired(0 * DAY, HOUR, began_before=True))
    assert (found.tally.firings, found.tally.pages, found.pages_a_week) == (1, 0, 0.0)


def test_rates_are_of_the_time_that_was_looked_at() -> None:
    """Two pages in the two days that have data are seven a week, not one."""
    late = Data(START + 12 * DAY, SPAN.end, 1 / 7)
    found = summary(fired(12.5 * DAY, HOUR), fired(13 * DAY, HOUR), data=late)
    assert (found.observed, found.pages_a_week) == (2 * DAY, 7.0)


@pytest.mark.parametrize(
    ("firings", "data", "severity", "state"),
    [
        ((), Data(SPAN.start, SPAN.end, 1.0), "", "silent"),
        ((), Data(None, None, 0.0), "warning", "no data"),
        ((), Data(SPAN.start, SPAN.end, 1.0), "error", "failed"),
        ((fired(DAY, HOUR),), Data(None, None, 0.0), "", "fired"),  # absent()
    ],
)
def test_silence_is_only_what_was_looked_at(firings: Sequence[Firing], data: Data, severity: str, state: str) -> None:
    """No firings without data, or without an answer, are not told as 0, in no format."""
    problems = [Problem("backtest", "why", Position("x"), "", "", severity)] if severity else []  # type: ignore[arg-type]
    found = reported([outcome(*firings, data=data, problems=problems)])
    assert found.alerts[0].summary.state == state
    assert json.loads(as_json.text(found))["rules"][0]["state"] == state.replace(" ", "_")
    unknown = state in ("no data", "failed")
    for text in (as_text.text(found), as_markdown.text(found), as_html.text(found, {})):
        assert ("nothing is known of it" in text) is unknown
    assert (found.whole.pages_a_week is None) is unknown


def test_promised_json() -> None:
    """DESIGN.md §9: group, alert, firings with labels, start and end, flaps, firing_seconds; times in RFC 3339."""
    tree = json.loads(as_json.text(reported([outcome(fired(HOUR, 90 * MINUTE, job="x"), fired(DAY, None, job="x"))])))
    [found] = tree["rules"]
    assert (found["group"], found["alert"], found["flaps"]) == ("g", "A", 0)
    assert found["firing_seconds"] == 5400 + 13 * 86_400
    labels = {"alertname": "A", "job": "x"}
    assert found["firings"] == [
        {"labels": labels, "start": "2026-03-02T01:00:00Z", "end": "2026-03-02T02:30:00Z", "began_before": False},
        {"labels": labels, "start": "2026-03-03T00:00:00Z", "end": None, "began_before": False},
    ]
    assert (tree["start"], tree["end"]) == ("2026-03-02T00:00:00Z", "2026-03-16T00:00:00Z")


def test_text() -> None:
    """The table, the timeline with the incidents above and the dates below, the hours, and who was told of what."""
    known = [incident(7 * DAY, 4 * HOUR, "Queue stuck"), incident(10 * DAY, None, "Disk full")]
    busy = outcome(fired(7 * DAY + 5 * MINUTE, 14 * HOUR, queue="a"), fired(2 * DAY, HOUR, queue="b"), of=rule("Busy"))
    lines = as_text.text(reported([busy, outcome(of=rule("Quiet"))], known)).splitlines()
    assert lines[0] == "2 alert rules, 2026-03-02 00:00 to 2026-03-16 00:00 (UTC), 2w"
    assert "1 fired: 2 firings, 0 flaps, firing 15 h 00; 1.0 pages a week" in lines
    score = "against 2 incidents of known.yml, 1 open until the range's end: precision 50 % (1 of 2 firings), "
    assert f"{score}recall 50 % (1 of 2 incidents), lead -5 min" in " ".join(map(str.strip, lines))
    first = next(place for place, line in enumerate(lines) if line.startswith("Busy  (g)"))
    assert lines[first + 1 : first + 7] == [
        "    " + " " * 36 + "▼" + " " * 14 + "▼" + "━" * 20,
        "    " + "·" * 10 + "▂" + "·" * 25 + "███▁" + "·" * 32,
        "    ╵              ╵              ╵               ╵              ╵",
        "    02 Mar         05 Mar         08 Mar          11 Mar         14 Mar",
        '    queue="a"                                 1×, 14 h 00',
        '    queue="b"                                 1×, 1 h 00',
    ]
    assert "    2026-03-09 00:00  Queue stuck: Busy" in lines
    assert "    2026-03-12 00:00  Disk full (open): missed" in lines
    assert lines[-1] == "silent (1): Quiet"


def test_blank_is_not_silent() -> None:
    """The timeline is blank where the rule had no data."""
    found = summary(data=Data(START + 7 * DAY, SPAN.end, 0.5))
    assert [piece.share for piece in pieces(found, SPAN, 4)] == [None, 0.0, 0.0, 0.0]
    assert [piece.share for piece in pieces(found, SPAN, 8)] == [None, None, None, 0.0, 0.0, 0.0, 0.0, 0.0]


minutes = st.integers(0, 14 * 24 * 60).map(lambda number: number * MINUTE)


@given(st.lists(st.tuples(minutes, minutes)), st.integers(1, 100))
def test_a_timeline_holds_what_fired(stretches: Sequence[tuple[timedelta, timedelta]], number: int) -> None:
    """The shares of all pieces are together the time in which something fired, counted once."""
    bounded = [(start, min(length, SPAN.length - start)) for start, length in stretches]
    found = summary(*(fired(start, length, n=str(place)) for place, (start, length) in enumerate(bounded)))
    shares = [piece.share for piece in pieces(found, SPAN, number)]
    lasted = {minute for start, length in bounded for minute in range(start // MINUTE, (start + length) // MINUTE)}
    assert len(shares) == number
    assert sum(share or 0.0 for share in shares) * SPAN.length / number / MINUTE == pytest.approx(len(lasted), abs=0.01)


def everything(text: str) -> Report:
    """A report in which a text stands wherever people can write."""
    firings = fired(DAY, HOUR, label=text), fired(DAY + 70 * MINUTE, None, label=text)
    problem = Problem("backtest", text, Position(text.replace("\n", " ")), text, text)
    one = rule("Nasty", f'sum by (label) (m{{label!="{text.split(maxsplit=1)[0]}"}}) > 1')
    return reported(
        [outcome(*firings, of=one, problems=[problem])],
        [incident(DAY, HOUR, text), incident(5 * DAY, HOUR, text)],
        [problem],
    )


def test_text_fits_a_terminal_and_obeys_nothing() -> None:
    """80 columns, no control characters, whatever labels and titles say."""
    for text in (NASTY, "x" * 300):
        lines = as_text.text(everything(text)).splitlines()
        assert max(len(line) for line in lines) <= 80
        assert all(line.isprintable() for line in lines)


def test_a_comment_obeys_nothing() -> None:
    """No table cell ends early, no tag, mention, link or emphasis comes out of what rules and incidents say."""
    text = as_markdown.text(everything(NASTY))
    assert text.startswith("<!-- tocsin:backtest -->\n")
    for bad in ("<script", "@admin", " #1", "*x*", "_y_", "](", "\x1b", "`c`", "http://"):
        assert bad not in text
    assert "| <code>Nasty</code> | 2 | 1 |" in text
    tags = set(re.findall(r"<(\w+)", text))
    assert tags <= {"code", "details", "summary", "sub"}
    [head, _, *rows] = [line for line in text.splitlines() if line.startswith("|")][:3]
    assert {line.count("|") for line in rows} == {head.count("|")}


@given(st.text())
def test_nothing_that_is_safe_means_anything_in_markdown(text: str) -> None:
    """Letters and entities are left; entities say the same text again."""
    safe = as_markdown.safe(text)
    assert not set("|`<>@#*_[]\\~:!") & set(re.sub("&#[0-9]+;", "", safe))
    assert re.sub("&#([0-9]+);", lambda found: chr(int(found[1])), safe.replace("&#8203;", "")) == " ".join(
        text.split()
    )


def test_a_comment_is_no_longer_than_github_takes() -> None:
    """A thousand rules with much to say: whole parts are left out, and it says so."""
    many = [
        outcome(*(fired(DAY, HOUR, label=f"{n}{'@' * 60}") for n in range(9)), of=rule(f"A{n}")) for n in range(1000)
    ]
    text = as_markdown.text(reported(many))
    assert 40_000 < len(text) <= as_markdown.LONGEST
    assert "left out: a comment holds no more" in text
    assert text.count("<details>") == text.count("</details>")


class Page(HTMLParser):
    """Checks that a page is well formed, and notes its tags, attributes and text."""

    VOID = frozenset({"meta", "br", "rect", "path"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def curves(label: str = "a") -> Curves:
    """Two series; one has a gap."""
    points = [(START.timestamp() + hour * 3600, float(hour % 24)) for hour in range(14 * 24) if not 50 < hour < 90]
    series = Curve({"label": label}, tuple(points)), Curve({"label": "other"}, tuple(points[::2]))
    return Curves(Comparison(promql.parse("m"), ">", 20.0), series, 3, HOUR)


def test_the_page_stands_alone() -> None:
    """No script, nothing fetched, everything escaped; series, threshold, firings and incidents are drawn."""
    text = as_html.text(everything(NASTY), {0: curves(NASTY)})
    page = Page(text)
    assert "script" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "style")]
    assert all(value.startswith("#") for name, value in page.attributes if name == "href")
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    classes = [value for name, value in page.attributes if name == "class"]
    assert {"curve c0", "curve c1", "threshold", "band", "fired", "incident", "bar"} <= set(classes)
    assert "<script>alert(1)</script>" in page.text
    assert "and 3 more series" in page.text
    assert text.count("M") > 2  # the gap begins a line anew


def test_a_curve_has_a_hole_where_there_is_nothing() -> None:
    """Points further apart than a step and a half are not joined."""
    page = Page(as_html.text(reported([outcome(fired(DAY, HOUR), of=rule("A", "m > 20"))]), {0: curves()}))
    ways = [value for name, value in page.attributes if name == "d" and value.count("L") > 20]
    assert sorted(way.count("M") for way in ways)[:1] == [2]


def test_why_there_is_no_curve_is_said() -> None:
    """A server that does not answer for them leaves the firings as they are."""
    page = Page(as_html.text(reported([outcome(fired(DAY, HOUR))]), {0: "the server is too slow"}))
    assert "its curves are not drawn: the server is too slow" in page.text


def test_of_rules_that_nobody_reached_nothing_is_told() -> None:
    """A server that was lost in the middle leaves its rules unknown, not silent."""
    found = reported([outcome()])
    lost = Report(found.setting, found.alerts, found.whole, (), None, (), left=2)
    assert list(words.unknown(lost)) == ["2 not reached before the server was lost: nothing is known of them"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3569, "59 min"),
        (3600, "1 h 00"),
        (5400, "1 h 30"),
        (172_800, "2 d 0 h"),
    ],
)
def test_lengths(seconds: int, shown: str) -> None:
    """Two figures."""
    assert moments.lasted(timedelta(seconds=seconds)) == shown
