"""What a message says of causes: a few lines, in somebody's language, for whoever was woken by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from receiver.engine.causes.tree import Branch, Role, Tree
from receiver.engine.occurrence import one_line
from receiver.notify.speech import Speech

NAMED = 5  # services, and causes of a storm
LONGEST_LINE = 500


def told(tree: Tree, speech: Speech) -> list[str]:
    """The likeliest cause and how many consequences it has; of a storm counts and candidates; else nothing."""
    lines = _storm(tree, speech) if tree.storm else _cause(tree, speech)
    return [one_line(line, LONGEST_LINE) for line in lines]


def cause_of(tree: Tree, speech: Speech) -> str:
    """The likeliest cause by name, where it explains more than itself; else an empty text."""
    known = tree.cause is not None and tree.services and not tree.storm
    return one_line(named(tree.cause, speech)) if known and tree.cause else ""


def _cause(tree: Tree, speech: Speech) -> Iterator[str]:
    cause = tree.cause
    if cause is None or not tree.services:  # then the alerts tell all there is
        return
    said = {"cause": named(cause, speech), "at": speech.clock(cause.began_at)}
    yield speech.say("cause_said", who=cause.why.by, **said) if cause.why.by else speech.say("cause", **said)
    yield speech.say("consequences", counts=counts(tree.services, speech))


def _storm(tree: Tree, speech: Speech) -> Iterator[str]:
    if tree.services:
        yield speech.say("storm", counts=counts(tree.services, speech))
    candidates = [branch for branch in tree.branches if branch.role is Role.CAUSE]
    if candidates:
        yield speech.say("candidates")
    for branch in candidates[:NAMED]:
        below = _below(branch.branches)
        followed = speech.say("followed", alerts=speech.count("of_alert", below)) if below else ""
        yield speech.say("candidate", cause=named(branch, speech), at=speech.clock(branch.began_at)) + followed


def _below(branches: Sequence[Branch]) -> int:
    return sum(branch.alerts + _below(branch.branches) for branch in branches)


def named(branch: Branch, speech: Speech) -> str:
    """`3 × PlayerErrors on player`."""
    count = f"{speech.number(branch.alerts)} × " if branch.alerts > 1 else ""
    where = branch.where
    return count + (speech.say("on", name=branch.name, where=where) if where else branch.name)


def counts(services: Mapping[str, int], speech: Speech) -> str:
    """`14 alerts on 3 services: cart 6, player 5, web 3`."""
    first = list(services.items())[:NAMED]
    listed = ", ".join(f"{name or speech.say('no_service')} {speech.number(count)}" for name, count in first)
    if len(services) > NAMED:
        listed = speech.say("more", listed=listed, more=len(services) - NAMED)
    alerts = speech.count("alert", sum(services.values()))
    return speech.say("counts", alerts=alerts, services=speech.count("on_service", len(services)), listed=listed)
