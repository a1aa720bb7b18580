"""What a message says of causes: a few lines for somebody who was woken by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from receiver.engine.causes.tree import Branch, Role, Tree
from tocsin.words import plural

NAMED = 5  # services, and causes of a storm


def told(tree: Tree) -> list[str]:
    """The likeliest cause and how many consequences it has; of a storm counts and candidates; else nothing."""
    return list(_storm(tree) if tree.storm else _cause(tree))


def _cause(tree: Tree) -> Iterator[str]:
    cause = tree.cause
    if cause is None or not tree.services:  # then the alerts tell all there is
        return
    says = f", as {cause.why.by} says" if cause.why.by else ""
    yield f"Likely cause{says}: {named(cause)}, since {cause.began_at:%H:%M:%S} UTC"
    yield f"Consequences: {counts(tree.services)}"


def _storm(tree: Tree) -> Iterator[str]:
    if tree.services:
        yield f"Storm: {counts(tree.services)}"
    likeliest = candidates(tree)
    if likeliest:
        yield "Likeliest causes, those with most consequences first:"
    for branch in likeliest:
        yield f"- {named(branch)}, since {branch.began_at:%H:%M:%S} UTC{_followed(branch)}"


def candidates(tree: Tree) -> list[Branch]:
    """The likeliest cause, if there is one to be named; of a storm several, those with most consequences first."""
    if not tree.storm:
        return [tree.cause] if tree.cause is not None else []
    return [branch for branch in tree.branches if branch.role is Role.CAUSE][:NAMED]


def _followed(branch: Branch) -> str:
    below = _below(branch.branches)
    return f", followed by {plural(below, 'alert')}" if below else ""


def _below(branches: Sequence[Branch]) -> int:
    return sum(branch.alerts + _below(branch.branches) for branch in branches)


def named(branch: Branch) -> str:
    """`3 × PlayerErrors on player`."""
    count = f"{branch.alerts:,} × " if branch.alerts > 1 else ""
    return f"{count}{branch.name}{f' on {branch.where}' if branch.where else ''}"


def counts(services: Mapping[str, int]) -> str:
    """`14 alerts on 3 services: cart 6, player 5, web 3`."""
    alerts = sum(services.values())
    told = ", ".join(f"{name or 'no service'} {count:,}" for name, count in list(services.items())[:NAMED])
    more = f" and {len(services) - NAMED} more" if len(services) > NAMED else ""
    places = f"{len(services)} service{'' if len(services) == 1 else 's'}"
    return f"{plural(alerts, 'alert')} on {places}: {told}{more}"
