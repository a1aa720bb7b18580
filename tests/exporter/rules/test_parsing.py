"""What alert rules ask, and why some cannot be simulated."""

from __future__ import annotations

import pytest

from exporter.rules.own import metrics, own_records, rests_on_own
from exporter.rules.parsing import REASONS, NotSimulated, parts

ASKED = {
    "plain": ("cpu > 5", [("cpu", "> 5")]),
    "parentheses": ("((cpu) > (5))", [("cpu", "> 5")]),
    "number on the left": ("5 < cpu", [("cpu", "> 5")]),
    "number on the left, at least": ("5 >= cpu", [("cpu", "<= 5")]),
    "equality": ("0 == up", [("up", "== 0")]),
    "constants are folded": ("cpu > 2 * (3 - 1) ^ 2", [("cpu", "> 8")]),
    "a minus": ("cpu < -(1 / 2)", [("cpu", "< -0.5")]),
    "a minus on the left": ("-cpu < -5", [("-cpu", "< -5")]),
    "units": ("bytes > 5 * 1024 ^ 3", [("bytes", "> 5.36871e+09")]),
    "pi": ("angle > pi()", [("angle", "> 3.14159")]),
    "a ratio": ("a / b > 0.9", [("a / b", "> 0.9")]),
    "with time": ("time() - last > 3600", [("time() - last", "> 3600")]),
    "a filter inside": ("count(cpu > 5) > 3", [("count(cpu > 5)", "> 3")]),
    "a range": ("cpu < 1 or cpu > 5", [("cpu", "< 1 or > 5")]),
    "a range, inside out": ("cpu > 1 and cpu < 5", [("cpu", "> 1 and < 5")]),
    "a chain": ("5 > (cpu > 1)", [("cpu", "> 1 and < 5")]),
    "alternatives": ("cpu > 5 or memory > 3", [("cpu", "> 5"), ("memory", "> 3")]),
    "an aggregate": ("sum by (job) (rate(x[5m])) >= 1e3", [("sum by (job) (rate(x[5m]))", ">= 1000")]),
}


@pytest.mark.parametrize(("expr", "asked"), ASKED.values(), ids=ASKED)
def test_comparisons_with_numbers(expr: str, asked: list[tuple[str, str]]) -> None:
    """What is compared is found with its number, whichever side that stands on."""
    assert [(" ".join(part.expr.split()), str(part.condition)) for part in parts(expr)] == asked


NOT_ASKED = {
    "a vector alone": ("vector(1)", "no_comparison"),
    "absence": ("absent(up)", "no_comparison"),
    "arithmetic on a filter": ("(cpu > 5) * 2", "no_comparison"),
    "two metrics": ("cpu > limit", "two_expressions"),
    "a scalar": ("cpu > scalar(limit)", "two_expressions"),
    "bool": ("cpu > bool 5", "bool"),
    "and": ("cpu > 5 and on (job) traffic > 1", "guard"),
    "and a plain series": ("cpu > 5 and traffic", "guard"),
    "unless": ("cpu > 5 unless maintenance", "guard"),
    "and alternatives": ("cpu > 5 and (cpu > 3 or memory > 2)", "guard"),
    "alternatives by label": ("cpu > 5 or on (job) memory > 3", "matching"),
    "one alternative cannot": ("cpu > 5 or absent(up)", "no_comparison"),
    "division by zero": ("cpu > 1 / 0", "constant"),
    "overflow": ("cpu > 10 ^ 400", "constant"),
    "no PromQL": ("cpu >", "syntax"),
}


@pytest.mark.parametrize(("expr", "reason"), NOT_ASKED.values(), ids=NOT_ASKED)
def test_what_cannot_be_simulated_has_its_reason(expr: str, reason: str) -> None:
    """Anything else is told by a reason that is documented."""
    with pytest.raises(NotSimulated) as refused:
        parts(expr)
    assert refused.value.reason == reason
    assert str(refused.value) == REASONS[reason]


def test_what_rests_on_tocsin() -> None:
    """Tocsin's own series are known by name, by pattern, and through recording rules."""
    records = [
        ("team:risk", "max(job:forecast)"),
        ("job:forecast", "tocsin_forecast * 2"),
        ("job:cpu", "rate(cpu[5m])"),
    ]
    own = own_records(records)
    assert own == {"team:risk", "job:forecast"}
    for expr, rests in {
        "tocsin_anomaly_score > 1": True,
        "tocsin:cpu:forecast > 5": True,
        '{__name__=~"tocsin_.+"} > 1': True,
        "cpu > 5 and on (job) tocsin_breach_probability > 0.5": True,
        "team:risk > 1": True,
        "job:cpu > 1": False,
        "detocsin_x > 1": False,
    }.items():
        assert rests_on_own(metrics(expr), own) is rests, expr
