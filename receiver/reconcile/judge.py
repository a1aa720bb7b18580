"""What follows from what the peers of an Alertmanager cluster answer: which alerts have expired, which are news to us.

Absence means something only if everybody was asked and could know: a peer that cannot be reached, or that has just
started, may be the one that knows. Presence means something whoever tells of it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin import duration
from tocsin.amapi import GettableAlert, GettableSilence
from tocsin.model import Labels


@dataclass(frozen=True, slots=True)
class Answer:
    """What one peer said of itself and of its alerts, or why it could not be asked.

    `knows` holds the identity of every alert that fires there, `news` those of them that we do not know, `silenced` the
    ids of the silences that match an alert there, `silences` what those are.
    """

    url: str
    problem: str = ""
    started_at: datetime | None = None
    receivers: Sequence[str] = ()
    knows: Set[str] = frozenset()
    news: Mapping[str, GettableAlert] = field(default_factory=dict)
    silenced: Mapping[str, Sequence[str]] = field(default_factory=dict)
    silences: Sequence[GettableSilence] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """When an answer counts. `ours` tells whether an alert, by its labels, should be an occurrence at all."""

    receiver: str = "tocsin"
    missing_for: timedelta = timedelta(minutes=5)
    settled_after: timedelta = timedelta(minutes=10)
    ours: Callable[[Labels], bool] = lambda labels: True


@dataclass(frozen=True, slots=True)
class Memory:
    """Since when, by identity, no peer has known an alert of ours, and we have not known one of theirs."""

    missing: Mapping[str, datetime] = field(default_factory=dict)
    unknown: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one poll showed: identities of ours, alerts of theirs.

    `waits` says why no alert can be said to be missing, and is empty if one could be; `reason` says why those expired.
    """

    expired: tuple[str, ...]
    adopted: tuple[GettableAlert, ...]
    waits: str
    reason: str
    memory: Memory


def judge(
    known: Set[str],
    answers: Sequence[Answer],
    now: datetime,
    *,
    memory: Memory,
    terms: Terms,
    heard: Container[str] = (),
    cut_off: Callable[[Labels], bool] = lambda labels: False,
) -> Judgement:
    """Compares what we know (identities of open occurrences) with what the peers know.

    An alert of ours expires when all peers could tell and none has known it, in polls `missing_for` apart, and no body
    told of it meanwhile (`heard`, identities). One of theirs that is active, is sent to us and has been unknown here
    for as long is adopted; at once, if `cut_off` says that a truncated body has left it out.
    """
    waits = cannot_tell(answers, now, terms)
    missing: dict[str, datetime] = {}
    expired = []
    for identity in known:
        if identity in heard or any(identity in answer.knows for answer in answers):
            continue
        since = memory.missing.get(identity, None if waits else now)
        if since is None:
            continue
        missing[identity] = since
        if not waits and since < now and now - since >= terms.missing_for:
            expired.append(identity)
    unknown: dict[str, datetime] = {}
    adopted = []
    for identity, alert in _together(answers).items():
        if identity in known or not _wanted(alert, terms):
            continue
        since = memory.unknown.get(identity, now)
        if cut_off(alert.labels) or (since < now and now - since >= terms.missing_for):
            adopted.append(alert)
            since = now  # should the engine think otherwise, it is asked again later, not at every poll
        unknown[identity] = since
    return Judgement(tuple(expired), tuple(adopted), waits, _reason(answers, terms), Memory(missing, unknown))


def cannot_tell(answers: Sequence[Answer], now: datetime, terms: Terms) -> str:
    """Why the absence of an alert from these answers means nothing; an empty text if it means something."""
    for answer in answers:
        if answer.problem or answer.started_at is None:
            return answer.problem or f"{answer.url} does not say since when it runs"
        if terms.receiver not in answer.receivers:
            has = ", ".join(answer.receivers[:5]) or "none"
            return f"{answer.url} has no receiver {terms.receiver!r}, so it may not be the one that sends; it has {has}"
        if now - answer.started_at < terms.settled_after:
            wanted = duration.show(terms.settled_after)
            return f"{answer.url} started at {answer.started_at:%H:%M:%S} UTC, less than {wanted} ago"
    return "" if answers else "there is no Alertmanager to ask"


def _together(answers: Sequence[Answer]) -> Mapping[str, GettableAlert]:
    """All news; of an alert that several peers tell of, as one tells it where it is active."""
    news: dict[str, GettableAlert] = {}
    for answer in answers:
        for identity, alert in answer.news.items():
            if identity not in news or alert.active:
                news[identity] = alert
    return news


def _wanted(alert: GettableAlert, terms: Terms) -> bool:
    sent_here = any(receiver.name == terms.receiver for receiver in alert.receivers)
    return sent_here and alert.active and terms.ours(alert.labels)


def _reason(answers: Sequence[Answer], terms: Terms) -> str:
    who = "Alertmanager has" if len(answers) == 1 else f"none of {len(answers)} Alertmanagers has"
    negated = " not" if len(answers) == 1 else ""
    return f"{who}{negated} known it for {duration.show(terms.missing_for)} or longer, and nobody said that it ended"
