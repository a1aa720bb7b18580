"""Silences of ours as Alertmanager knows them: who wrote them, what about, and how they are found again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import aiohttp

from receiver.engine.occurrence import one_line
from receiver.reconcile.settings import ReconcileSettings
from tocsin import amapi, labels
from tocsin.amapi import Alertmanager, GettableAlert, GettableSilence, PostableSilence
from tocsin.errors import ApiUnavailable

AUTHOR = "tocsin/"  # how `createdBy` begins
LONGEST_COMMENT = 500  # characters
SAME = timedelta(seconds=1)  # Alertmanager keeps milliseconds


class Peer(Protocol):
    """What is asked of an Alertmanager, and said to it."""

    url: str

    async def silences(self) -> list[GettableSilence]: ...
    async def visit_alerts(self, visit: Callable[[GettableAlert], None]) -> None: ...
    async def write_silence(self, silence: PostableSilence) -> str: ...
    async def end_silence(self, silence: str) -> None: ...


Peers = Callable[[ReconcileSettings], AbstractAsyncContextManager[Sequence[Peer]]]


@asynccontextmanager
async def real_peers(settings: ReconcileSettings) -> AsyncIterator[Sequence[Peer]]:
    """The Alertmanagers of a source, for the length of a block."""
    async with aiohttp.ClientSession() as session:
        yield [Alertmanager(session, str(url), settings.access) for url in settings.alertmanagers]


async def first_answer(peers: Sequence[Peer]) -> tuple[Peer, list[GettableSilence]]:
    """The first peer that answers, with its silences: one that tells the others what is written to it.

    Raises:
        AlertmanagerError: none of them.
    """
    for peer in peers[:-1]:
        try:
            return peer, await peer.silences()
        except ApiUnavailable:
            continue
    return peers[-1], await peers[-1].silences()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A silence as it should be. Less than `at_least` before its end it is prolonged."""

    matchers: tuple[amapi.Matcher, ...]
    until: datetime
    by: str
    comment: str
    at_least: timedelta | None = None  # none: it ends when it ends

    def suffices(self, silence: GettableSilence, now: datetime) -> bool:
        """Whether a silence of the same matchers need not be touched."""
        if self.at_least is not None:
            return silence.ends_at - now >= self.at_least and silence.ends_at <= self.until + SAME
        return abs(silence.ends_at - self.until) <= SAME

    def as_written(self, before: GettableSilence | None, now: datetime) -> PostableSilence:
        """With the start of the one that it prolongs: else Alertmanager would make a new one of it."""
        start, name = (before.starts_at, before.id) if before else (now, "")
        return PostableSilence(self.matchers, start, self.until, self.by, self.comment, name)


def on_the_wire(matchers: labels.Matchers) -> tuple[amapi.Matcher, ...]:
    """Matchers as Alertmanager's API wants them, in an order of their own."""
    return tuple(
        sorted(amapi.Matcher(one.name, one.value, one.operator.endswith("~"), not one.negative) for one in matchers)
    )


def in_words(matchers: Iterable[amapi.Matcher]) -> tuple[str, ...]:
    """Matchers as people write them."""
    operators = {(False, True): "=", (False, False): "!=", (True, True): "=~", (True, False): "!~"}
    return tuple(str(labels.Matcher(m.name, operators[m.is_regex, m.is_equal], m.value)) for m in matchers)  # type: ignore[arg-type]  # they are operators


def ours(silences: Iterable[GettableSilence], what: str) -> list[GettableSilence]:
    """Those that were written for what a comment begins with, whatever has become of them."""
    return [one for one in silences if one.created_by.startswith(AUTHOR) and one.comment.startswith(what)]


def about_incident(incident: str) -> str:
    """How the comment of an incident's silence begins."""
    return f"incident {incident}: "


def about_window(window: str) -> str:
    """How the comment of a maintenance window's silence begins."""
    return f"maintenance window {window}: "


def comment(about: str, *said: str) -> str:
    """A comment of one line."""
    return about + one_line("; ".join(part for part in said if part), LONGEST_COMMENT)
