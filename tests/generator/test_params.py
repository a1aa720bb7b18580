"""What a parameter may be, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generator.packs import alert, compile_text, pack, shown

RULE = alert("heartbeat:", summary="'$(p)'")

GOOD = [
    "{type: number, default: 0.5, min: 0, max: 1}",
    "{type: integer, default: 3, min: 1}",
    "{type: duration, default: 5m, min: 1m, max: 1h}",
    "{default: 5m, min: 30s}",
    "{type: text, default: eu}",
    "{type: text, default: eu, choices: [eu, us]}",
    "{type: boolean, default: false}",
    "{type: promql, default: sum(up)}",
    "{type: promql, default: 5}",
    "{default: 2, choices: [1, 2, 4], unit: replicas, doc: how many}",
]

# (the parameter, place, check, part of the message)
BAD = [
    ("{type: float, default: 1}", "4:20", "value", "'number', 'integer', 'duration'"),
    ("{type: number, default: high}", "4:37", "param", "'high' is not of the type number"),
    ("{type: number, default: .nan}", "4:37", "param", "'nan' is not of the type number"),
    ("{type: number, default: true}", "4:37", "param", "'true' is not of the type number"),
    ("{type: integer, default: 1.5}", "4:38", "param", "'1.5' is not of the type integer"),
    ("{type: duration, default: 5}", "4:39", "param", "'5' is not of the type duration"),
    ("{type: duration, default: soon}", "4:39", "param", "'soon' is not of the type duration"),
    ("{type: duration, default: 1d, max: 1h}", "4:39", "param", "1d is out of its bounds, … to 1h"),
    ("{default: 10s, min: 30s, max: 5m}", "4:23", "param", "10s is out of its bounds, 30s to 5m"),
    ("{default: 10s, min: 30s, max: 5}", "4:23", "param", "'5' is not of the type duration"),
    ("{default: 5, min: 30s}", "4:23", "param", "'5' is not of the type duration"),
    ("{type: duration, default: 1d, max: 5}", "4:48", "param", "'5' is not of the type duration"),
    ("{type: text, default: 5}", "4:35", "param", "'5' is not of the type text"),
    ("{type: text, default: a, min: 5}", "4:43", "param", "a text has no bounds"),
    ("{type: boolean, default: 'yes'}", "4:38", "param", "'yes' is not of the type boolean"),
    ("{type: promql, default: 'sum('}", "4:37", "param", "'sum(' is not of the type promql"),
    ("{default: ap, choices: [eu, us]}", "4:23", "param", "'ap' is none of the choices"),
    ("{default: 1, choices: 5}", "4:35", "value", "must be a list"),
    ("{default: 1, min: low}", "4:31", "value", "'low' is not a duration"),
    ("{default: 1, defualt: 2}", "4:26", "unknown-key", "unknown key 'params.p.defualt'"),
]


@pytest.mark.parametrize("param", GOOD)
def test_a_parameter_of_every_type(param: str, tmp_path: Path) -> None:
    """A default that is of the type, within its bounds and among its choices has no problem."""
    assert compile_text(pack(RULE, params=f"{{p: {param}}}"), tmp_path).problems == ()


@pytest.mark.parametrize(("param", "place", "check", "message"), BAD)
def test_a_misfit_is_one_problem(param: str, place: str, check: str, message: str, tmp_path: Path) -> None:
    """What is wrong with a parameter is told once, at its place, with a way out."""
    compiled = compile_text(pack(RULE, params=f"{{p: {param}}}"), tmp_path)
    assert [(where, name) for where, name, _ in shown(compiled.problems)] == [(place, check)]
    assert message in compiled.problems[0].message
    assert compiled.problems[0].hint
