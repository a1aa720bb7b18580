"""Templates that people write: a part of Jinja2 in which nothing can run long, grow large or reach out.

Bounded by construction, not by a stop-watch alone: a template has no calls, no macros, no includes and no powers. Its
loops go over what a message holds; each turn of any loop counts towards `MOST_TURNS`, whatever is nested in what. Text
grows only by filters and `~`, each of which refuses more than `MOST_TEXT` characters. Turns and output are measured
while it runs, and a deadline is looked at with each.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

MOST_SOURCE = 64 * 1024  # bytes of a template
MOST_TURNS = 10_000
MOST_TEXT = 64 * 1024  # characters of one expression
MOST_OUTPUT = 128 * 1024
SECONDS = 0.5
BUDGET = "budget of this rendering"  # no name that a template can write

FILTERS = frozenset(["upper", "lower", "capitalize", "trim", "truncate", "replace", "line", "e", "escape"]) | frozenset(
    ["default", "d", "length", "count", "first", "last", "join"]
)
TESTS = frozenset(
    ["defined", "undefined", "none", "true", "false", "string", "number", "mapping", "sequence"]
) | frozenset(["odd", "even", "in", "eq", "ne", "lt", "le", "gt", "ge"])
ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.If,
    nodes.For,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Concat,
    nodes.Add,
    nodes.Sub,
    nodes.Neg,
    nodes.List,
    nodes.Tuple,
    nodes.Pair,
    nodes.Keyword,
    nodes.Assign,
    nodes.Filter,
    nodes.Test,
)


class TooMuch(jinja2.TemplateError):
    """A template does more than a message needs."""


class Budget:
    """What one rendering may still use."""

    def __init__(self) -> None:
        self._turns = 0
        self._until = time.monotonic() + SECONDS

    def turn(self) -> None:
        self._turns += 1
        if self._turns > MOST_TURNS:
            raise TooMuch(f"its loops take more than {MOST_TURNS:,} turns")
        self.look()

    def look(self) -> None:
        if time.monotonic() > self._until:
            raise TooMuch(f"it takes longer than {SECONDS:g} s")


@jinja2.pass_context
def _counted(context: Context, items: Iterable[Any]) -> Iterator[Any]:
    budget = context.parent[BUDGET]
    for item in items:
        budget.turn()
        yield item


def _bounded(text: str) -> str:
    if len(text) > MOST_TEXT:
        raise TooMuch(f"a text grows beyond {MOST_TEXT:,} characters")
    return text


def _together(parts: Sequence[Any]) -> str:
    if any(isinstance(part, Markup) for part in parts):
        return _bounded(Markup("").join(parts))
    return _bounded("".join(map(str, parts)))


def _join(parts: Iterable[Any], between: str = "") -> str:
    items = list(parts)
    if sum(len(str(item)) for item in items) + len(items) * len(between) > MOST_TEXT:
        raise TooMuch(f"a text grows beyond {MOST_TEXT:,} characters")
    return _together([piece for item in items for piece in (between, item)][1:])


def _replace(text: str, old: str, new: str) -> str:
    """As text, so that what comes of it is escaped where the medium wants that."""
    plain, old, new = str(text), str(old), str(new)
    if len(plain) + plain.count(old) * len(new) > MOST_TEXT:
        raise TooMuch(f"a text grows beyond {MOST_TEXT:,} characters")
    return plain.replace(old, new)


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Compiles and renders templates within the bounds of this module."""

    intercepted_binops = frozenset(["+", "-"])

    def __init__(self, line: Any) -> None:
        super().__init__(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self.autoescape = lambda name: bool(name and ".html" in name)
        kept = {name: self.filters[name] for name in FILTERS if name in self.filters}
        self.filters = kept | {"line": line, "join": _join, "replace": _replace}
        self.filters |= {"together": _together, "counted": _counted}
        self.tests = {name: self.tests[name] for name in TESTS if name in self.tests}
        self.globals = {}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if not all(isinstance(value, int | float) for value in (left, right)):
            raise TooMuch("+ and - take numbers; texts are put together by ~")
        return super().call_binop(context, operator, left, right)

    def make(self, source: str, name: str) -> jinja2.Template:
        """A template of a text.

        Raises:
            jinja2.TemplateSyntaxError: it is none, or has something in it that templates here may not have.
        """
        if len(source.encode()) > MOST_SOURCE:
            raise jinja2.TemplateSyntaxError(f"is larger than {MOST_SOURCE // 1024} KiB", 1, name, name)
        try:
            tree = self.parse(source, name, name)
            for node in list(tree.find_all(nodes.Node)):
                _check(node, name)
            _measure(tree)
            tree.set_environment(self)
            code = self.compile(tree, name, name)
        except RecursionError as error:
            raise jinja2.TemplateSyntaxError("is nested too deeply", 1, name, name) from error
        return jinja2.Template.from_code(self, code, self.make_globals(None))

    def fill(self, template: jinja2.Template, facts: Mapping[str, Any]) -> str:
        """What a template makes of a message's facts.

        Raises:
            jinja2.TemplateError: it fails, or does too much.
        """
        budget, written, parts = Budget(), 0, []
        for part in template.generate({**facts, BUDGET: budget}):
            budget.look()
            written += len(part)
            if written > MOST_OUTPUT:
                raise TooMuch(f"it writes more than {MOST_OUTPUT:,} characters")
            parts.append(part)
        return "".join(parts)


def _check(node: nodes.Node, name: str) -> None:
    said = ""
    if isinstance(node, nodes.Filter) and (node.node is None or node.name not in FILTERS):
        said = f"the filter {node.name!r} is not to be had; there are {', '.join(sorted(FILTERS))}"
    elif isinstance(node, nodes.Test) and node.name not in TESTS:
        said = f"the test {node.name!r} is not to be had; there are {', '.join(sorted(TESTS))}"
    elif isinstance(node, nodes.For) and node.recursive:
        said = "loops are not recursive here"
    elif not isinstance(node, ALLOWED):
        said = f"{type(node).__name__.lower()} is not to be had: print, if, for and set are"
    if said:
        lines = (one.lineno for one in (node, *node.find_all(nodes.Node)))
        raise jinja2.TemplateSyntaxError(said, next(filter(None, lines), 1), name, name)


def _measure(node: nodes.Node) -> None:
    """Counts the turns of every loop, and bounds what `~` makes."""
    for field, value in list(node.iter_fields()):
        if isinstance(value, nodes.Node):
            setattr(node, field, _measured(value))
        elif isinstance(value, list):
            setattr(node, field, [_measured(one) if isinstance(one, nodes.Node) else one for one in value])
    if isinstance(node, nodes.For):
        node.iter = nodes.Filter(node.iter, "counted", [], [], None, None, lineno=node.lineno)


def _measured(node: nodes.Node) -> nodes.Node:
    _measure(node)
    if isinstance(node, nodes.Concat):
        return nodes.Filter(nodes.List(node.nodes), "together", [], [], None, None, lineno=node.lineno)
    return node
