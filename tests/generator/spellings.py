"""PromQL expressions for Hypothesis: each as a tree of its own, and written in one of its many spellings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from tocsin.promql import ATOM, PRECEDENCE, UNARY

NAMES = ("up", "http_requests_total", "job:load:sum", "node_cpu_seconds_total")
LABELS = ("job", "instance", "le", "code", "by")
VALUES = ("a", "5..", 'quo"te', "back\\slash", "ne\nw", "ünï", "it's", "")
LENGTHS = {
    60_000: ("1m", "60s", "60000ms"),
    300_000: ("5m", "300s"),
    3_600_000: ("1h", "60m"),
    5_400_000: ("1h30m", "90m"),
}
NUMBERS = {1000.0: ("1000", "1e3", "1000.0"), 0.5: ("0.5", ".5", "5e-1"), 16.0: ("16", "0x10"), 3.0: ("3", "3.")}
ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
SETS = ("and", "or", "unless")
COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")


@dataclass(frozen=True)
class Node:
    """What an expression is made of: its kind, what it says and its operands. Sets are orders that do not matter."""

    kind: str
    says: tuple[Any, ...] = ()
    operands: tuple[Node, ...] = ()


def _labels() -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(LABELS), max_size=3)


def _matchers() -> st.SearchStrategy[frozenset[tuple[str, str, str]]]:
    one = st.tuples(st.sampled_from(LABELS), st.sampled_from(("=", "!=")), st.sampled_from(VALUES))
    return st.frozensets(one, max_size=3)


_lengths = st.sampled_from(sorted(LENGTHS))
_moves = st.one_of(st.none(), _lengths, _lengths.map(lambda length: -length))
_selectors = st.builds(
    lambda name, matchers, offset: Node("selector", (name, matchers, offset)),
    st.sampled_from(NAMES),
    _matchers(),
    _moves,
)
_numbers = st.sampled_from(sorted(NUMBERS)).map(lambda value: Node("number", (value,)))


def _larger(smaller: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.builds(lambda of: Node("negative", (), (of,)), smaller),
        st.builds(
            lambda op, on, left, right: Node("arithmetic", (op, on), (left, right)),
            st.sampled_from(ARITHMETIC),
            st.one_of(st.none(), _labels()),
            smaller,
            smaller,
        ),
        st.builds(
            lambda op, flag, left, right: Node("comparison", (op, flag), (left, right)),
            st.sampled_from(COMPARISONS),
            st.booleans(),
            smaller,
            smaller,
        ),
        st.builds(lambda op, left, right: Node("set", (op,), (left, right)), st.sampled_from(SETS), smaller, smaller),
        st.builds(
            lambda name, way, labels, of: Node("aggregate", (name, way, labels), (of,)),
            st.sampled_from(("sum", "max", "count")),
            st.sampled_from(("by", "without")),
            _labels(),
            smaller,
        ),
        st.builds(
            lambda name, matchers, length, offset: Node("rate", (name, matchers, length, offset)),
            st.sampled_from(NAMES),
            _matchers(),
            _lengths,
            _moves,
        ),
        st.builds(lambda length, of: Node("peak", (length,), (of,)), _lengths, smaller),
        st.builds(lambda number, of: Node("scaled", (), (of, number)), _numbers, smaller),
    )


trees = st.recursive(_selectors, _larger, max_leaves=6)


def written(node: Node, random: Random) -> str:
    """The expression in one of its spellings, as the dice fall."""
    text, _ = _written(node, random)
    return f"# a remark\n{text}" if random.random() < 0.1 else text


def _written(node: Node, random: Random) -> tuple[str, int]:
    text, level = _plain(node, random)
    return (f"({_gap(random)}{text}{_gap(random)})", ATOM) if random.random() < 0.2 else (text, level)


def _within(node: Node, level: int, random: Random) -> str:
    text, own = _written(node, random)
    return text if own >= level else f"({text})"


def _plain(node: Node, random: Random) -> tuple[str, int]:
    gap = _gap(random)
    match node.kind:
        case "selector":
            name, matchers, offset = node.says
            return _selector(name, matchers, random) + _moved(offset, random), ATOM
        case "number":
            return random.choice(NUMBERS[node.says[0]]), ATOM
        case "negative":
            return f"-{gap}{_within(node.operands[0], ATOM, random)}", UNARY
        case "arithmetic":
            operator, on = node.says
            matching = "" if on is None else f"on{gap}{_listed(on, random)}"
            return _binary(node, operator, matching, random)
        case "comparison":
            operator, flag = node.says
            return _binary(node, operator, "bool" if flag else "", random)
        case "set":
            return _binary(node, node.says[0], "", random)
        case "aggregate":
            return _aggregate(node, random), ATOM
        case "rate":
            name, matchers, length, offset = node.says
            ranged = f"{_selector(name, matchers, random)}[{_length(length, random)}]{_moved(offset, random)}"
            return f"rate({gap}{ranged}{gap})", ATOM
        case "peak":
            inner = f"({_written(node.operands[0], random)[0]})"
            return f"max_over_time({inner}[{_length(node.says[0], random)}:{_length(60_000, random)}])", ATOM
        case _:
            return _binary(node, "*", "", random)


def _binary(node: Node, operator: str, matching: str, random: Random) -> tuple[str, int]:
    level = PRECEDENCE[operator]
    right_first = operator == "^"
    left = _within(node.operands[0], level + right_first, random)
    right = _within(node.operands[1], level + (not right_first), random)
    word = operator.upper() if operator in SETS and random.random() < 0.3 else operator
    between = f" {matching} " if matching else " "
    return f"{left} {word}{between}{_gap(random)}{right}", level


def _aggregate(node: Node, random: Random) -> str:
    name, way, labels = node.says
    word = name.upper() if random.random() < 0.2 else name
    inner = _written(node.operands[0], random)[0]
    if way == "by" and not labels and random.random() < 0.5:
        return f"{word}({inner})"
    modifier = f"{way} {_listed(labels, random)}"
    return f"{word} {modifier} ({inner})" if random.random() < 0.5 else f"{word}({inner}) {modifier}"


def _listed(labels: frozenset[str], random: Random) -> str:
    return f"({', '.join(_shuffled(sorted(labels), random))})"


def _selector(name: str, matchers: frozenset[tuple[str, str, str]], random: Random) -> str:
    texts = [f"{label}{_gap(random)}{op}{_quoted(value, random)}" for label, op, value in sorted(matchers)]
    if random.random() < 0.2:
        return f"{{{', '.join(_shuffled([*texts, f'__name__={_quoted(name, random)}'], random))}}}"
    if random.random() < 0.2:
        texts += texts[:1]
    comma = "," if texts and random.random() < 0.2 else ""
    return f"{name}{{{', '.join(_shuffled(texts, random))}{comma}}}" if texts or random.random() < 0.2 else name


def _quoted(text: str, random: Random) -> str:
    if "`" not in text and random.random() < 0.2:
        return f"`{text}`"
    quote = random.choice("\"'")
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace(quote, f"\\{quote}")
    return f"{quote}{escaped}{quote}"


def _length(milliseconds: int, random: Random) -> str:
    return random.choice(LENGTHS[milliseconds])


def _moved(offset: int | None, random: Random) -> str:
    return "" if offset is None else f" offset {'-' if offset < 0 else ''}{_length(abs(offset), random)}"


def _gap(random: Random) -> str:
    return random.choice(("", "", " ", "\n  "))


def _shuffled(items: Sequence[str], random: Random) -> list[str]:
    return random.sample(list(items), len(items))
