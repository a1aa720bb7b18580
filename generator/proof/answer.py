"""What `promtool test rules` says of one test file, read: which alerts it got when nothing was expected.

Source: prometheus cmd/promtool/unittest.go (2.42 and 3.5), labels.Labels.String, Go's strconv.Quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tocsin import duration
from tocsin.model import Labels

ALERT = re.compile(r" {4}alertname: .*, time: (?P<time>\S+), ")
EXPRESSION = re.compile(r" {4}expr: \".*\", time: (?P<time>\S+?),(?P<error> err: .*)?")
RULE_ERROR = re.compile(r" {4}rule: .*, time: (?P<time>\S+), err: (?P<error>.*)")
GOT = " " * 8 + "got:"
LABELS, ANNOTATIONS = (" " * 14 + part for part in ("Labels:", "Annotations:"))
TEXT = r'"(?:\\.|[^"\\])*"'
PAIR = re.compile(rf'(?P<name>{TEXT}|[^=",{{}}\s]+)=(?P<value>{TEXT})')
SAMPLE = re.compile(rf"(?P<labels>\{{(?:[^\"{{}}]|{TEXT})*\}}) (?P<value>\{{\{{.*?\}}\}}|[^ ,]+)(?:, |$)")
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
LONGEST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert that fired, as Prometheus rendered it."""

    labels: Labels
    annotations: Labels


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an expression: its labels as promtool writes them, and its value."""

    series: str
    labels: Labels
    value: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was got at each time at which anything was; `error` says what kept promtool from testing to the end."""

    alerts: Mapping[timedelta, Sequence[Alert]] = field(default_factory=dict)
    samples: Mapping[timedelta, Sequence[Sample]] = field(default_factory=dict)
    error: str = ""


def read(said: str) -> Answer:
    """The answer in what promtool said of one file that expects nothing to fire and no series to be there."""
    alerts: dict[timedelta, list[Alert]] = {}
    samples: dict[timedelta, list[Sample]] = {}
    errors: list[str] = []
    fired: list[Alert] = []
    seen: list[Sample] = []
    labels: Labels = {}
    for line in said.split("\n"):
        if found := ALERT.fullmatch(line):
            fired = alerts.setdefault(duration.parse(found["time"]), [])
        elif found := EXPRESSION.fullmatch(line):
            seen = samples.setdefault(duration.parse(found["time"]), [])
            errors += [found["error"]] if found["error"] else []
        elif found := RULE_ERROR.fullmatch(line):
            errors.append(f"at {found['time']}: {found['error']}")
        elif line.startswith(LABELS):
            labels = labels_of(line)
        elif line.startswith(ANNOTATIONS):
            fired.append(Alert(labels, labels_of(line)))
        elif line.startswith(f"{GOT} "):
            seen += _samples(line)
        elif line and not line.startswith((" ", "Unit Testing:")):
            errors.append(line)
    return Answer(alerts, samples, "; ".join(errors)[:LONGEST_ERROR])


def labels_of(text: str) -> dict[str, str]:
    """The labels in `{job="api", "a.b"="c"}`, wherever in the text it stands."""
    return {_name(found["name"]): unquoted(found["value"]) for found in PAIR.finditer(text)}


def _name(text: str) -> str:
    return unquoted(text) if text.startswith('"') else text


def _samples(line: str) -> Iterator[Sample]:
    for found in SAMPLE.finditer(line):
        labels = {name: value for name, value in labels_of(found["labels"]).items() if name != "__name__"}
        yield Sample(found["labels"], labels, found["value"])


def unquoted(text: str) -> str:
    """What Go quoted."""
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    return ESCAPE.sub(_unescaped, inner).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "uU":
        return chr(int(code[1:], 16))
    if code[0] == "x" and len(code) == 3:
        byte = int(code[1:], 16)
        return chr(byte) if byte < 0x80 else chr(0xDC00 + byte)  # part of a text that is no UTF-8
    return ESCAPED.get(code, code)
