"""The curves of a backtest's page: what of an expression is drawn, and which of its series."""

from __future__ import annotations

import asyncio
import json
import math

import aiohttp
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.backtest.curves import MOST_CURVES, Comparison, Curves, asked, compared
from generator.backtest.report import Report
from generator.backtest.reporting.drawing import nice
from tests.generator.backtested import DAY, HOUR, START, fired, outcome, reported, rule
from tocsin import promql
from tocsin.promapi import Prometheus, QueryError, Series


class Answering(Prometheus):
    """A server that answers every range with the same series, or not."""

    def __init__(self, session: aiohttp.ClientSession, answer: list[Series] | QueryError) -> None:
        super().__init__(session, [])
        self.answer = answer
        self.asked: list[tuple[str, float]] = []

    async def query_range(self, expr: str, start: float, end: float, step: float, **more: object) -> list[Series]:
        self.asked.append((expr, step))
        if isinstance(self.answer, QueryError):
            raise self.answer
        return self.answer


def series(name: str, *values: str) -> Series:
    """One value an hour."""
    points = [[START.timestamp() + place * 3600, value] for place, value in enumerate(values)]
    metric = {"__name__": "m", "host": name}
    return Series(msgspec.Raw(json.dumps(metric).encode()), msgspec.Raw(json.dumps(points).encode()))


def drawn(report: Report, answer: list[Series] | QueryError) -> tuple[Curves | str | None, list[tuple[str, float]]]:
    """The curves of the report's one alert, and what was asked."""

    async def ask() -> tuple[Curves | str | None, list[tuple[str, float]]]:
        async with aiohttp.ClientSession() as session:
            server = Answering(session, answer)
            return (await asked(report, server)).get(0), server.asked

    return asyncio.run(ask())


def test_those_that_fired_first_are_drawn() -> None:
    """At most eight; those that never fired come last, the nearest to the threshold before the others."""
    one = outcome(fired(2 * DAY, HOUR, host="late"), fired(DAY, HOUR, host="early"), of=rule("A", "m > 5", team="x"))
    names = ["far", "near", "late", "early", *(f"n{number}" for number in range(6))]
    values = {"near": "4.9", "late": "6", "early": "7"}
    found, questions = drawn(reported([one]), [series(name, values.get(name, "1"), "1") for name in names])
    assert questions == [("m", 2016.0)]  # 600 points in two weeks
    assert isinstance(found, Curves)
    assert [curve.labels["host"] for curve in found.curves[:3]] == ["early", "late", "near"]
    assert (len(found.curves), found.more) == (MOST_CURVES, 2)


def test_what_is_no_number_is_not_drawn() -> None:
    """NaN and infinities are holes; a series of nothing else, and a native histogram, are left out."""
    histogram = Series(msgspec.Raw(b'{"host": "h"}'), histograms=msgspec.Raw(b"[]"))
    answer = [series("a", "1", "NaN", "+Inf", "3"), series("b", "NaN"), histogram]
    found, _ = drawn(reported([outcome(of=rule("A", "m > 5"))]), answer)
    assert isinstance(found, Curves)
    assert [[value for _, value in curve.points] for curve in found.curves] == [[1.0, 3.0]]


def test_no_curves_without_an_answer() -> None:
    """A refusal, and an answer that cannot be read, are told; an expression that compares nothing is not asked for."""
    report = reported([outcome(of=rule("A", "m > 5"))])
    assert drawn(report, QueryError("it does not want to"))[0] == "it does not want to"
    broken, _ = drawn(report, [Series(msgspec.Raw(b"{}"), msgspec.Raw(b"[[1]]"))])
    assert isinstance(broken, str)
    assert drawn(reported([outcome(of=rule("A", "absent(m)"))]), []) == (None, [])


@pytest.mark.parametrize(
    ("expr", "left", "operator", "threshold"),
    [
        ("a > 5", "a", ">", 5),
        ("(a > -5)", "a", ">", -5),
        ("5 >= sum(a)", "sum(a)", "<=", 5),
        ("(a / b > 0.1) and on () (c > 3)", "a / b", ">", 0.1),
        ("a == 0 unless b", "a", "==", 0),
        ("a > bool 5", None, "", 0),
        ("a > b", None, "", 0),
        ("absent(a)", None, "", 0),
        ("a > 5 or b > 3", None, "", 0),
    ],
)
def test_what_is_compared(expr: str, left: str | None, operator: str, threshold: float) -> None:
    """The left side of a comparison with a number is what is drawn."""
    found = compared(promql.parse(expr))
    wanted = None if left is None else Comparison(promql.parse(left), operator, threshold)
    assert found == wanted


@given(st.lists(st.floats(-1e299, 1e299), min_size=1))
def test_scales(values: list[float]) -> None:
    """A few even steps that hold every value."""
    marks = nice(values)
    assert 2 <= len(marks) <= 8
    little = 1e-9 * max(map(abs, values))
    assert marks[0] <= min(values) + little
    assert marks[-1] >= max(values) - little
    assert all(math.isfinite(mark) for mark in marks)
