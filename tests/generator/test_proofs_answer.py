"""What promtool says, read: both versions, every sign that a label can hold."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from generator.proof.answer import Alert, Answer, labels_of, read, unquoted

FIRED = r"""Unit Testing:  t.yml
  FAILED:
    name: n1,
    alertname: A, time: 3m, @
        exp:[], @
        got:[
            0:
              Labels:{alertname="A", job="a\"b\n", k="é\\"}
              Annotations:{summary="x, }, Annotations:{ y=\"1\" }"},
            1:
              Labels:{alertname="A", "l.a"="x", job="\xff\u200b"}
              Annotations:{}
            ]

    alertname: A, time: 1h30m, @
        exp:[], @
        got:[
            0:
              Labels:{alertname="A"}
              Annotations:{empty=""}
            ]

    expr: "x:r", time: 5m,
        exp: nil
        got: {__name__="x:r", job="a, b} 1"} 2E+00, {} -Inf
""".replace("@", "")  # promtool ends lines with blanks


def test_alerts_and_samples_are_read() -> None:
    """Quotes, commas, braces and bytes that are no UTF-8 within labels end nothing."""
    answer = read(FIRED)
    assert answer.error == ""
    assert answer.alerts == {
        timedelta(minutes=3): [
            Alert({"alertname": "A", "job": 'a"b\n', "k": "é\\"}, {"summary": 'x, }, Annotations:{ y="1" }'}),
            Alert({"alertname": "A", "l.a": "x", "job": "\ufffd\u200b"}, {}),
        ],
        timedelta(minutes=90): [Alert({"alertname": "A"}, {"empty": ""})],
    }
    [first, second] = answer.samples[timedelta(minutes=5)]
    assert (first.labels, first.value) == ({"job": "a, b} 1"}, "2E+00")
    assert (second.series, second.value) == ("{}", "-Inf")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("1:4: parse error: unexpected character\n\n", "1:4: parse error: unexpected character"),
        ("    rule: B, time: 0s, err: found duplicate series\n", "at 0s: found duplicate series"),
        ("\n", ""),
    ],
)
def test_errors_are_told(said: str, error: str) -> None:
    """What kept promtool from testing is no answer of the rule."""
    assert read(said).error == error


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_labels_are_unquoted(value: str) -> None:
    """A value passes through quotes as Go writes them (JSON's are a part of these)."""
    quoted = json.dumps(value, ensure_ascii=False).replace("\\/", "/")
    assert unquoted(quoted) == value
    assert labels_of(f'Labels:{{a={quoted}, b="c"}}') == {"a": value, "b": "c"}


AWKWARD = {
    "quotes": 'a "b" \\ `c`',
    "lines": "one\n\ttwo\r\n  three",
    "signs": "{x=1}, Annotations:{y='2'}, got:[ 0: ]",
    "letters": "é 漢字 🔔 \u200b\u2028\u00a0",
    "control": "\x07\x08\x0b\x0c\x1b\x7f",
}


@pytest.mark.real
def test_what_a_real_promtool_prints_is_read(promtool: Path, tmp_path: Path) -> None:
    """Each awkward text comes back as it went in, as a label of a series and as an annotation."""
    rule = {"alert": "A", "expr": "x > 0", "annotations": {name: f"{{{{ $labels.{name} }}}}" for name in AWKWARD}}
    groups = {"groups": [{"name": "g", "rules": [rule]}]}
    (tmp_path / "r.yml").write_text(json.dumps(groups))
    inside = ", ".join(f"{name}={_quoted(value)}" for name, value in AWKWARD.items())
    expected = [{"eval_time": "2m", "alertname": "A", "exp_alerts": []}]
    series = [{"series": f"x{{{inside}}}", "values": "1x5"}]
    tests = [{"interval": "1m", "input_series": series, "alert_rule_test": expected}]
    (tmp_path / "t.yml").write_text(yaml.safe_dump({"rule_files": ["r.yml"], "tests": tests}))
    run = [str(promtool), "test", "rules", "t.yml"]
    said = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    alerts = {timedelta(minutes=2): [Alert({"alertname": "A", **AWKWARD}, AWKWARD)]}
    assert read(said.stderr) == Answer(alerts), said.stderr


def _quoted(value: str) -> str:
    """A text as PromQL takes it; JSON escapes some signs in a way of its own."""
    return '"' + "".join(f"\\x{ord(sign):02x}" if sign < " " or sign in '"\\' else sign for sign in value) + '"'
