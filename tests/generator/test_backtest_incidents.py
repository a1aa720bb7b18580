"""Known incidents: read from files and from a receiver, and held against what alerts said."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.backtest.incident import Incident, Incidents
from generator.backtest.incident_file import read
from generator.backtest.incident_source import known
from generator.backtest.outcome import Data, Firing, RuleOutcome
from generator.backtest.running import facts_of
from generator.backtest.scoring import Held, Record, Score
from tests.generator.backtested import (
    DAY,
    HOUR,
    MINUTE,
    SPAN,
    START,
    fired,
    incident,
    outcome,
    pack_of,
    rule,
    written,
)
from tocsin.errors import InputError, TocsinError, UsageError
from tocsin.problem import Position, Problem

SIMPLE = {"start": "2026-03-02T10:00:00Z", "end": "2026-03-02T11:30:00Z", "title": "Disk full", "rules": ["Disk*"]}
RECEIVED = {
    "opened_at": "2026-03-02T10:00:00Z",
    "resolved_at": None,
    "title": "Disk full",
    "alerts": 3,
    "merged_into": None,
}


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own token is shown to a test's server."""
    monkeypatch.delenv("TOCSIN_TOKEN_FILE", raising=False)


READ = Incident("Disk full", START + 10 * HOUR, START + 11.5 * HOUR, rules=("Disk*",))
TOLD = Incident("Disk full", START + 10 * HOUR, None)

ZONED = "- {start: 2026-03-02T11:00:00+01:00, end: 2026-03-02T12:30:00+01:00, title: Disk full, rules: [Disk*]}"
FORMATS = [
    ("list.json", json.dumps([SIMPLE]), READ),
    ("object.json", json.dumps({"incidents": [SIMPLE]}, indent=2), READ),
    ("receiver.json", json.dumps({"items": [RECEIVED], "next": None}), TOLD),
    ("lines.jsonl", f"{json.dumps(RECEIVED)}\n\n", TOLD),
    ("one.json", json.dumps(SIMPLE), READ),
    ("list.yml", "- start: 2026-03-02T10:00:00Z\n  end: 2026-03-02 11:30\n  title: Disk full\n  rules: Disk*\n", READ),
    ("zone.yml", ZONED, READ),
    ("list.csv", "start,end,title,rules\n2026-03-02 10:00,2026-03-02 11:30,Disk full,Disk*\n", READ),
    ("unix.csv", "start, end, title\n1772445600,, Disk full\n", TOLD),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "wanted"), FORMATS, ids=[name for name, _, _ in FORMATS])
def test_formats(name: str, text: str, wanted: Incident, tmp_path: Path) -> None:
    """A list in YAML, JSON, JSON lines or CSV, or what a receiver answered: all say the same."""
    found = read(written(tmp_path, name, text))
    assert found.problems == ()
    assert found.items == (wanted,)


def test_json_that_is_no_yaml(tmp_path: Path) -> None:
    """A letter beyond the first plane, as most programs write it into JSON."""
    lines = "\n".join(json.dumps({**SIMPLE, "title": title}) for title in ("😀", "b"))
    assert [one.title for one in read(written(tmp_path, "a.jsonl", lines)).items] == ["😀", "b"]
    assert [one.title for one in read(written(tmp_path, "a.json", f"[{lines.replace(chr(10), ',')}]")).items] == [
        "😀",
        "b",
    ]


MISTAKES = [
    ("a.yml", "- {start: 2026-03-02T10:00:00Z}\n- {end: 2026-03-02T10:00:00Z}\n", 2, "the key 'start' is missing"),
    ("a.yml", "- start: yesterday\n", 1, "'yesterday' is no time"),
    ("a.yml", "- start: 2026-03-02\n  titel: Disk\n", 2, "unknown key 'titel'"),
    ("a.yml", "- start: 2026-03-02T10:00:00Z\n  end: 2026-03-02T09:00:00Z\n", 1, "before it starts"),
    ("a.yml", "- start: 2026-03-02\n- 7\n", 2, "an incident is a mapping"),
    ("a.yml", "items: {a: 1}\n", 1, "items is no list"),
    ("a.yml", "hello\n", 1, "is no list of incidents"),
    ("a.yml", "- [\n", 2, "not valid YAML"),
    ("a.yml", "", 0, "holds nothing"),
    ("a.jsonl", '{"start": 0}\n{"start"\n', 2, "JSON lines"),
    ("a.jsonl", '{"start": 0}\n{"start": -1}\n', 2, "is no time in seconds since 1970"),
    ("a.csv", "start,end\n2026-03-02,\n2026-03-02,never\n", 3, "'never' is no time"),
    ("a.csv", "start,title\n2026-03-02,a,b\n", 2, "a cell without a name"),
    ("a.csv", "", 0, "holds nothing"),
    ("gone.yml", None, 0, "cannot be read"),
]


@pytest.mark.parametrize(("name", "text", "line", "message"), MISTAKES, ids=[one[3] for one in MISTAKES])
def test_mistakes_have_places(name: str, text: str | None, line: int, message: str, tmp_path: Path) -> None:
    """What is wrong with a list is told with file and line and a way out; the rest of it is read."""
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    [problem] = read(file).problems
    assert message in problem.message
    assert (problem.at.file, problem.at.line) == (str(file), line)
    assert problem.hint
    with pytest.raises(InputError):
        known(str(file), SPAN.start, SPAN.end)


def test_only_the_range_counts() -> None:
    """Incidents beyond the range are left out and counted; one that outlasts it is open."""
    items = (
        incident(-2 * DAY, HOUR),
        incident(-2 * DAY, 3 * DAY, "before"),
        incident(DAY, None, "open"),
        incident(13 * DAY, 2 * DAY, "longer"),
        incident(15 * DAY, HOUR),
    )
    found = Incidents(items[::-1], "x").within(SPAN.start, SPAN.end)
    assert [(one.title, one.end is None) for one in found.items] == [
        ("before", False),
        ("open", True),
        ("longer", True),
    ]
    assert (found.outside, found.open) == (2, 2)


class Receiver:
    """A server that speaks `GET /api/v1/incidents`: filters, pages by cursor, asks for a token."""

    def __init__(self, items: Sequence[dict[str, Any]]) -> None:
        self.items = items
        self.tokens: set[str | None] = set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                receiver.tokens.add(self.headers.get("Authorization"))
                body = json.dumps(receiver.answer(parse_qs(urlsplit(self.path).query))).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *said: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, query: dict[str, list[str]]) -> dict[str, Any]:
        after, before = (query.get(f"opened_{side}", [""])[0] for side in ("after", "before"))
        found = [
            one
            for one in self.items
            if (not after or one["opened_at"] > after)
            and one["opened_at"] < before
            and one.get("status", "resolved") in query.get("status", [one.get("status", "resolved")])
        ]
        begin = int(query.get("cursor", ["0"])[0])
        return {"items": found[begin : begin + 2], "next": str(begin + 2) if found[begin + 2 :] else None}

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def told(name: str, opened: str, resolved: str | None, **more: object) -> dict[str, Any]:
    return {"id": name, "title": name, "opened_at": opened, "resolved_at": resolved, "severity": "warning", **more}


def test_of_a_receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page, with the token of the environment; merged ones are left out, old ones that are open are not."""
    items = [
        told("last", "2026-03-14T00:00:00Z", None, status="open"),
        told("merged", "2026-03-10T00:00:00Z", None, merged_into="last"),
        told("second", "2026-03-09T00:00:00Z", "2026-03-09T01:00:00Z"),
        told("first", "2026-03-02T00:00:00Z", "2026-03-02T01:00:00Z"),
        told("before", "2026-02-27T00:00:00Z", "2026-02-27T01:00:00Z"),
        told("old", "2025-01-01T00:00:00Z", None, status="acknowledged"),
    ]
    monkeypatch.setenv("TOCSIN_TOKEN_FILE", str(written(tmp_path, "token", "sesame\n")))
    with Receiver(items) as receiver:
        found = known(receiver.url, SPAN.start, SPAN.end)
    assert [one.title for one in found.items] == ["old", "first", "second", "last"]
    assert (found.open, found.outside, receiver.tokens) == (2, 1, {"Bearer sesame"})


def test_receivers_that_cannot_be_used() -> None:
    """A password in the address, nobody there, and somebody else there: one clear sentence each."""
    with pytest.raises(UsageError, match="a password stands in the address"):
        known("http://ann:sesame@127.0.0.1:9", SPAN.start, SPAN.end)
    with pytest.raises(TocsinError, match="cannot be reached"):
        known("http://127.0.0.1:9", SPAN.start, SPAN.end)
    others: list[dict[str, Any]] = [{"opened_at": "2026-03-03"}, {"opened_at": "2026-03-04", "title": 7}]
    with Receiver(others) as other, pytest.raises(TocsinError, match="is this Tocsin's receiver"):
        known(other.url, SPAN.start, SPAN.end)


def held(firings: Sequence[Firing], incidents: Sequence[Incident], **labels: str) -> Score:
    """The score of one alert."""
    one = rule("DiskFull", "sum by (instance) (disk) > 5", **labels)
    record = Record(incidents, SPAN)
    return record.score([_held(record, outcome(*firings, of=one))])


def _held(record: Record, one: RuleOutcome) -> Held:
    facts = facts_of([pack_of([one.rule])])(one)
    return record.held(one, facts.labels, facts.can_have)


AT = 5 * DAY
CASES = [
    ("it fires during the incident", fired(AT, HOUR), incident(AT - MINUTE, HOUR), (1, 1, 1), -1),
    ("it fired before and goes on", fired(AT, HOUR), incident(AT + 10 * MINUTE, HOUR), (1, 1, 1), 10),
    ("it fired until shortly before", fired(AT, MINUTE), incident(AT + 16 * MINUTE, HOUR), (1, 1, 1), 16),
    ("it fired until long before", fired(AT, MINUTE), incident(AT + 17 * MINUTE, HOUR), (0, 1, 0), None),
    ("it fires after the end", fired(AT + 2 * HOUR, HOUR), incident(AT, HOUR), (0, 1, 0), None),
    ("both are open", fired(AT + HOUR, None), incident(AT, None), (1, 1, 1), -60),
    ("it fired before the range", fired(0 * DAY, HOUR, began_before=True), incident(MINUTE, HOUR), (1, 1, 1), None),
    ("the incident began before the range", fired(HOUR, HOUR), incident(-DAY, 2 * DAY), (1, 1, 1), None),
    ("another rule", fired(AT, HOUR), incident(AT, HOUR, rules=("Cpu*", "Mem*")), (0, 0, 0), None),
    ("this rule among others", fired(AT, HOUR), incident(AT, HOUR, rules=("Cpu*", "Disk*")), (1, 1, 1), 0),
    ("its label", fired(AT, HOUR, instance="a"), incident(AT, HOUR, labels={"instance": "a"}), (1, 1, 1), 0),
    ("another's label", fired(AT, HOUR, instance="a"), incident(AT, HOUR, labels={"instance": "b"}), (0, 1, 0), None),
    ("a label that it drops", fired(AT, HOUR), incident(AT, HOUR, labels={"job": "a"}), (0, 0, 0), None),
    ("its static label", fired(AT, HOUR, team="x"), incident(AT, HOUR, labels={"team": "x"}), (1, 1, 1), 0),
    ("another team", fired(AT, HOUR, team="x"), incident(AT, HOUR, labels={"team": "y"}), (0, 0, 0), None),
    ("by its name", fired(AT, HOUR), incident(AT, HOUR, labels={"alertname": "DiskFull"}), (1, 1, 1), 0),
    ("another tenant", fired(AT, HOUR, tenant="a"), incident(AT, HOUR, tenant="b"), (0, 1, 0), None),
    ("a tenant, and an alert of none", fired(AT, HOUR), incident(AT, HOUR, tenant="b"), (1, 1, 1), 0),
    ("a heartbeat", fired(0 * DAY, None, began_before=True), incident(AT, HOUR), (0, 0, 0), None),
]  # fmt: skip


@pytest.mark.parametrize(("shows", "firing", "one", "counts", "lead"), CASES, ids=[one[0] for one in CASES])
def test_who_belongs_to_whom(
    shows: str, firing: Firing, one: Incident, counts: tuple[int, int, int], lead: int | None
) -> None:
    """One firing, one incident: whether it is matched, whether it could be found, whether it was, and the lead."""
    score = held([firing], [one], team="x")
    assert (score.matched, len(score.possible), len(score.found)) == counts
    assert score.lead == (None if lead is None else lead * MINUTE)


def test_scores() -> None:
    """Precision is of firings, recall of incidents, the lead is that of the first firing, and its median."""
    incidents = [incident(day * DAY, HOUR) for day in (1, 2, 3)]
    firings = [
        fired(DAY - 4 * MINUTE, HOUR),
        fired(DAY + 5 * MINUTE, HOUR),
        fired(2 * DAY + MINUTE, HOUR),
        fired(9 * DAY, HOUR),
    ]
    score = held(firings, incidents)
    assert (score.matched, score.firings, len(score.found), len(score.possible)) == (3, 4, 2, 3)
    assert (score.precision, score.recall) == (3 / 4, 2 / 3)
    assert score.leads == (4 * MINUTE, -MINUTE)
    assert score.lead == 1.5 * MINUTE


def test_a_firing_of_one_incident_warns_of_no_other() -> None:
    """Ten minutes after the first incident and its alert ended, the second begins: the alert was not early for it."""
    score = held([fired(AT, HOUR)], [incident(AT, HOUR), incident(AT + 70 * MINUTE, HOUR)])
    assert (score.matched, len(score.found), score.leads) == (1, 1, (timedelta(),))


def test_nothing_can_be_said() -> None:
    """Without firings there is no precision, without incidents no recall, without either no lead."""
    assert (held([], []).precision, held([], []).recall, held([], []).lead) == (None, None, None)
    assert (held([], [incident(AT, HOUR)]).precision, held([], [incident(AT, HOUR)]).recall) == (None, 0)
    assert (held([fired(AT, HOUR)], []).precision, held([fired(AT, HOUR)], []).recall) == (0, None)


def test_what_was_not_looked_at_cannot_be_found() -> None:
    """An incident while the rule had no data, or could not be asked, is none that it could have told of."""
    record = Record([incident(DAY, HOUR), incident(9 * DAY, HOUR)], SPAN)
    late = Data(START + 5 * DAY, SPAN.end, 0.6)
    nearly = Data(START + 25 * HOUR + 10 * MINUTE, SPAN.end, 1.0)  # data are looked for at some points only
    assert _held(record, outcome(data=nearly)).possible == {0, 1}
    lost = [Problem("backtest", "gone", Position("x"))]
    assert _held(record, outcome(data=late)).possible == {1}
    assert _held(record, outcome(data=Data(None, None, 0.0))).possible == set()
    assert _held(record, RuleOutcome(rule(), "g", "p", MINUTE, (), 0, None, tuple(lost))).possible == set()
    assert _held(record, RuleOutcome(rule(), "g", "p", MINUTE, (), 0, None)).possible == {0, 1}


def moments() -> st.SearchStrategy[timedelta]:
    return st.integers(-60, 15 * 24 * 60).map(lambda minutes: minutes * MINUTE)


@st.composite
def happened(draw: st.DrawFn) -> tuple[list[list[Firing]], list[Incident]]:
    """What two alerts said, and what happened; the same label sets never overlap, as an alert's firings do not."""
    lengths = st.none() | st.integers(0, 600).map(lambda minutes: minutes * MINUTE)
    hosts = st.sampled_from(["a", "b", "c"])
    firings = [
        [fired(max(start, timedelta()), length, instance=host) for start, length, host in some]
        for some in draw(st.lists(st.lists(st.tuples(moments(), lengths, hosts), max_size=8), min_size=2, max_size=2))
    ]
    labels = st.sampled_from([{}, {"instance": "a"}, {"instance": "b"}])
    incidents = [
        incident(start, length, f"i{place}", labels=wanted)
        for place, (start, length, wanted) in enumerate(
            draw(st.lists(st.tuples(moments(), lengths, labels), max_size=8))
        )
    ]
    return firings, incidents


@given(happened(), st.randoms(use_true_random=False))
def test_counts_add_up(given_: tuple[list[list[Firing]], list[Incident]], random: Any) -> None:
    """Matched firings add up over rules, found incidents are possible ones, and no order matters."""
    firings, incidents = given_
    record = Record(incidents, SPAN)
    alerts = [_held(record, outcome(*some, of=rule(f"A{place}"))) for place, some in enumerate(firings)]
    whole, parts = record.score(alerts), [record.score([one]) for one in alerts]
    assert whole.firings == sum(part.firings for part in parts)
    assert whole.matched == sum(part.matched for part in parts) <= whole.firings
    assert whole.found == parts[0].found | parts[1].found <= whole.possible <= set(range(len(incidents)))
    assert len(whole.leads) <= len(whole.found)
    for share in (whole.precision, whole.recall):
        assert share is None or 0 <= share <= 1

    shuffled = [random.sample(some, len(some)) for some in firings]
    other = Record(random.sample(incidents, len(incidents)), SPAN)
    again = [_held(other, outcome(*some, of=rule(f"A{place}"))) for place, some in enumerate(shuffled)]
    assert other.score(again[::-1]) == whole


@given(happened())
def test_it_says_what_a_look_at_each_pair_says(given_: tuple[list[list[Firing]], list[Incident]]) -> None:
    """The quick search finds those firings that a comparison of all with all finds."""
    [firings, _], incidents = given_
    record = Record(incidents, SPAN)

    def end(one: Firing | Incident) -> datetime:
        return SPAN.end if one.end is None else one.end

    def belongs(firing: Firing) -> bool:
        return any(
            one.start - record.tolerance <= end(firing)
            and firing.start <= end(one)
            and all(firing.labels.get(name) == value for name, value in one.labels.items())
            for one in incidents
        )

    counted = [one for one in firings if not (one.began_before and one.end is None)]
    assert _held(record, outcome(*firings)).matched == sum(map(belongs, counted))
