"""What each version of Prometheus knows: the fields of rule files, and the functions of PromQL.

Source: prometheus CHANGELOG.md up to 3.15, and promql/parser/functions.go; a test asks promtool 2.42 and 3.5. What the
CHANGELOG does not name is by the release that followed its pull request: day_of_year (#10720) and the labels of groups
(#11474). A function counts from where a flag may enable it, a modifier or a quoted name from where it needs no flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from promql_parser import AggregateExpr, BinaryExpr, Call, SubqueryExpr, VectorSelector

from tocsin import promql
from tocsin.promql import Expression
from tocsin.promql_shape import by_shape

Version = tuple[int, int]

OLDEST: Version = (2, 42)  # the oldest that is served, and what is written for where nobody says otherwise

VERSION = re.compile(r"v?([0-9]{1,3})\.([0-9]{1,3})(\.[0-9]+)?")
PLAIN_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")

# Below OLDEST too: somebody may serve an older one, and is told what it does not know.
FIELDS: dict[str, Version] = {
    "limit": (2, 31),
    "keep_firing_for": (2, 42),
    "query_offset": (2, 53),
    "labels": (3, 0),
}

FUNCTIONS: dict[str, Version] = {
    "absent_over_time": (2, 16),
    "group": (2, 20),
    "last_over_time": (2, 26),
    "clamp": (2, 26),
    "sgn": (2, 26),
    "present_over_time": (2, 29),
    **dict.fromkeys(("acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh"), (2, 31)),
    **dict.fromkeys(("deg", "pi", "rad", "sin", "sinh", "tan", "tanh"), (2, 31)),
    "day_of_year": (2, 37),
    "histogram_count": (2, 40),
    "histogram_sum": (2, 40),
    "histogram_fraction": (2, 40),
    "histogram_stddev": (2, 47),
    "histogram_stdvar": (2, 47),
    "mad_over_time": (2, 49),
    "sort_by_label": (2, 49),
    "sort_by_label_desc": (2, 49),
    "histogram_avg": (2, 51),
    "limitk": (2, 54),
    "limit_ratio": (2, 54),
    "info": (2, 55),
    "double_exponential_smoothing": (3, 0),
    "ts_of_last_over_time": (3, 5),
    "ts_of_max_over_time": (3, 5),
    "ts_of_min_over_time": (3, 5),
    "first_over_time": (3, 7),
    "ts_of_first_over_time": (3, 7),
    "histogram_quantiles": (3, 11),
    **dict.fromkeys(("start", "end", "range", "step"), (3, 12)),
    "min_of": (3, 13),
    "max_of": (3, 13),
    "start_timestamp": (3, 14),
    "integral": (3, 16),  # in no release up to 3.15
}
UTF8: Version = (3, 0)
ATAN2: Version = (2, 31)
AT_MODIFIER: Version = (2, 33)
NEGATIVE_OFFSET: Version = (2, 33)
FILL: Version = (3, 10)

# Walking every tree would cost more than writing all files: most texts show at once that they hold none of these.
SUSPECT = re.compile(rf'\b({"|".join(FUNCTIONS)}|atan2|fill|fill_left|fill_right)\b|[{{,(]\s*"|__name__|@|offset -')


def parse(text: str) -> Version:
    """`2.53`, `v3.0.1` as a version.

    Raises:
        ValueError: it is none.
    """
    found = VERSION.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no version of Prometheus; write it like 2.53")
    return int(found[1]), int(found[2])


def show(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


def too_young(expr: Expression, version: Version) -> Iterator[tuple[str, Version]]:
    """Each thing in the expression that the version does not know, and the first that does."""
    yield from (need for need in _needed(expr) if need[1] > version)


@by_shape
def _needed(expr: Expression) -> Sequence[tuple[str, Version]]:
    """Each thing once."""
    return list(dict(_needs(expr)).items()) if SUSPECT.search(expr.text) else ()


def _needs(expr: Expression) -> Iterator[tuple[str, Version]]:
    for node in promql.walk(expr.tree):
        match node:
            case Call():
                name = node.func.name
                if name in FUNCTIONS:
                    yield f"{name}()", FUNCTIONS[name]
            case AggregateExpr():
                name = str(node.op)
                if name in FUNCTIONS:
                    yield f"{name}()", FUNCTIONS[name]
                yield from _utf8(node.modifier.labels if node.modifier else ())
            case SubqueryExpr():
                yield from _moved(node)
            case VectorSelector():
                yield from _moved(node)
                equal = {m.name: m.value for m in node.matchers.matchers}
                yield from _utf8([*equal, node.name or "x"])
            case BinaryExpr():
                yield from _operator(node)


def _moved(node: VectorSelector | SubqueryExpr) -> Iterator[tuple[str, Version]]:
    if node.at is not None:
        yield "the @ modifier", AT_MODIFIER
    if node.offset is not None and node.offset < timedelta():
        yield "a negative offset", NEGATIVE_OFFSET


def _operator(node: BinaryExpr) -> Iterator[tuple[str, Version]]:
    if str(node.op) == "atan2":
        yield "atan2", ATAN2
    if node.modifier:
        fill = node.modifier.fill_values
        if fill.lhs is not None or fill.rhs is not None:
            yield "fill()", FILL
        if node.modifier.matching:
            yield from _utf8(node.modifier.matching.labels)


def _utf8(names: Sequence[str]) -> Iterator[tuple[str, Version]]:
    for name in names:
        if not PLAIN_NAME.fullmatch(name):
            yield f'the quoted name "{name}"', UTF8
