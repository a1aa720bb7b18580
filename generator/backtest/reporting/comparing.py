"""What a change of rules does: the same figures before and after, and by how much they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from difflib import unified_diff

from generator.backtest.moments import lasted
from generator.backtest.pairing import Change
from generator.backtest.report import AlertReport, Comparison, Whole
from generator.backtest.reporting import words
from generator.backtest.scoring import Score
from generator.backtest.summary import Tally

ARROW = "→"
NONE = "–"  # there was, or is, no such rule

Effect = tuple[str, str]
State = AlertReport | Whole | None
HEADER = 3  # lines of a unified difference that name the files and the place
WHOLE = 1_000_000  # lines around a change that are shown: all


def said(comparison: Comparison) -> str:
    """How many came, went, changed and stayed."""
    counts = Counter(one.kind for one in comparison.differences)
    parts = [f"{counts[kind]} {kind}" for kind in ("added", "removed", "changed") if counts[kind]]
    return ", ".join([*parts, f"{comparison.unchanged:,} unchanged"])


def lines(change: Change) -> list[str]:
    """A change as a difference: each line begins with `-`, `+` or a blank."""
    before, after = change.before.splitlines(), change.after.splitlines()
    return list(unified_diff(before, after, lineterm="", n=WHOLE))[HEADER:]


def effects(before: State, after: State) -> Iterator[Effect]:
    """Each figure as it was and as it is, only one where both are the same; scores where incidents are known."""
    states = before, after
    yield "firings", _change(states, _known(lambda tally: f"{tally.firings:,}")) + _by(states, lambda t: t.firings)
    yield "flaps", _change(states, _known(lambda tally: f"{tally.flaps:,}")) + _by(states, lambda t: t.flaps)
    yield "firing", _change(states, _known(lambda tally: lasted(tally.firing))) + _longer(states)
    yield "pages a week", pages(before, after)
    if any(one is not None and one.score is not None for one in states):
        yield "precision", _change(states, lambda one: words.share(_score(one).precision))
        yield "recall", _change(states, lambda one: words.share(_score(one).recall))
        yield "lead", _change(states, lambda one: words.lead(_score(one).lead))


def pages(before: State, after: State) -> str:
    """Pages a week before and after."""
    rates = [None if one is None else _rate(one) for one in (before, after)]
    by = "" if rates[0] is None or rates[1] is None else f" ({rates[1] - rates[0]:+.1f})"
    shown = _change((before, after), lambda one: words.rate(_rate(one)))
    return shown + (by if ARROW in shown else "")


def _change(states: tuple[State, State], figure: Callable[[AlertReport | Whole], str]) -> str:
    old, new = (NONE if one is None else figure(one) for one in states)
    return old if old == new else f"{old} {ARROW} {new}"


def _known(figure: Callable[[Tally], str]) -> Callable[[AlertReport | Whole], str]:
    """The figure, or why there is none: nothing counted is no 0."""

    def shown(one: AlertReport | Whole) -> str:
        if isinstance(one, AlertReport) and one.summary.state in ("no data", "failed"):
            return one.summary.state
        return figure(_tally(one))

    return shown


def _by(states: tuple[State, State], count: Callable[[Tally], int]) -> str:
    old, new = states
    by = count(_tally(new)) - count(_tally(old)) if old and new else 0
    return f" ({by:+,})" if by else ""


def _longer(states: tuple[State, State]) -> str:
    old, new = states
    by = _tally(new).firing - _tally(old).firing if old and new else timedelta()
    return f" ({'-' if by < timedelta() else '+'}{lasted(abs(by))})" if by else ""


def _tally(one: AlertReport | Whole) -> Tally:
    return one.tally if isinstance(one, Whole) else one.summary.tally


def _rate(one: AlertReport | Whole) -> float | None:
    return one.pages_a_week if isinstance(one, Whole) else one.summary.pages_a_week


def _score(one: AlertReport | Whole) -> Score:
    assert one.score is not None, "incidents are known of both states or of none"
    return one.score
