"""An expression for one series of many."""

from __future__ import annotations

import pytest

from exporter.replaying.narrow import narrowed

LABELS = {"__name__": "x", "shop": "a", "le": "1"}


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("x", 'x{le="1",shop="a"}'),
        ('x{job="y"} offset 5m', 'x{job="y",le="1",shop="a"} offset 5m'),
        ("-rate(x[5m])", '-rate(x{le="1",shop="a"}[5m])'),
        ("sum by (shop) (x)", 'sum by (shop) (x{shop="a"})'),
        ("sum without (le) (x)", 'sum without (le) (x{shop="a"})'),
        ("sum(x)", "sum(x)"),
        ("topk by (le) (3, x)", 'topk by (le) (3, x{le="1"})'),
        ("topk(3, x)", "topk(3, x)"),
        ('count_values by (shop) ("shop", x)', 'count_values by (shop) ("shop", x)'),
        ("histogram_quantile(0.9, x)", 'histogram_quantile(0.9, x{shop="a"})'),
        ("x / on (shop) group_left (le) y", 'x{shop="a"} / on (shop) group_left (le) y{shop="a"}'),
        ("x / ignoring (shop) y", 'x{le="1"} / ignoring (shop) y{le="1"}'),
        ("x * scalar(y)", "x * scalar(y)"),
        ("x > 3", 'x{le="1",shop="a"} > 3'),
        ("x or y", 'x{le="1",shop="a"} or y{le="1",shop="a"}'),
        ('label_replace(x, "shop", "$1", "job", "(.*)")', 'label_replace(x{le="1"}, "shop", "$1", "job", "(.*)")'),
        ('label_replace(x, "job", "a", "b", "")', 'label_replace(x{le="1",shop="a"}, "job", "a", "b", "")'),
        ("absent(x)", "absent(x)"),
        ("max_over_time(sum by (shop) (x)[1h:5m])", 'max_over_time(sum by (shop) (x{shop="a"})[1h:5m])'),
        ("x{", "x{"),
    ],
)  # fmt: skip
def test_only_labels_that_reach_the_result_are_asked(expr: str, expected: str) -> None:
    """A label goes into every selector where nothing changes it on its way to the result; else nowhere."""
    assert _plain(narrowed(expr, LABELS)) == _plain(expected)


def test_values_are_quoted() -> None:
    """A value's quotes and backslashes stay what they are."""
    assert narrowed("x", {"shop": 'a"\\b'}) == 'x{shop="a\\"\\\\b"}'


def _plain(expr: str) -> str:
    return "".join(expr.split())
