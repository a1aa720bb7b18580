"""Does steps of kind `silence`: one silence in the incident's Alertmanager, and its end where the step is taken back.

Its comment begins with the key of the step, by which it is found again: its id is known only once it was written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from receiver.engine.runs_planned import Action
from receiver.reconcile.settings import ReconcileSettings
from receiver.remediate.step import About, CannotBegin, Done, NotNow
from receiver.silences.wire import AUTHOR, Peer, Peers, Wanted, comment, first_answer, on_the_wire, ours, real_peers
from tocsin.amapi import GettableAlert, GettableSilence
from tocsin.clock import Clock
from tocsin.errors import ApiUnavailable, TocsinError
from tocsin.labels import Matcher, Matchers, matches

BY = AUTHOR + "runbook"


class SilenceDoer:
    """`sources` is replaced when the configuration is read again.

    `tenant_label` is added to what a step names: a silence never reaches over to another tenant.
    """

    def __init__(
        self,
        sources: Mapping[str, ReconcileSettings],
        clock: Clock,
        *,
        tenant_label: str = "",
        peers: Peers = real_peers,
    ) -> None:
        self.sources = sources
        self._clock = clock
        self._tenant_label = tenant_label
        self._peers = peers

    async def look(self, action: Action, about: About) -> Mapping[str, str]:
        """How many alerts it would silence; `source` and `mark` tell a rollback what was written."""
        source, settings = self._source(action, {}, about)
        if action.arguments.get("expire"):
            return {"source": source}
        matchers = self._matchers(action, about)
        met: list[GettableAlert] = []

        def collect(alert: GettableAlert) -> None:
            if matches(matchers, alert.labels):
                met.append(alert)

        try:
            async with self._peers(settings) as peers:
                peer, _ = await first_answer(peers)
                await peer.visit_alerts(collect)
        except ApiUnavailable as error:
            raise NotNow(str(error)) from error
        except TocsinError as error:
            raise CannotBegin(str(error)) from error
        if all(alert.labels != about.labels for alert in met):
            raise CannotBegin(f"the Alertmanager of {source} no longer has the alert")
        most = action.arguments["most"]
        if len(met) > most:
            raise CannotBegin(
                f"it would silence {len(met):,} alerts, and may {most:,}: name more labels, or raise most"
            )
        return {"alerts": str(len(met)), "source": source, "mark": _mark(about)}

    async def do(self, action: Action, before: Mapping[str, str], about: About) -> Done:
        """Writes it once, or ends it; whether a write that was not answered came through, Alertmanager is asked."""
        begun = False
        seconds = action.timeout.total_seconds()
        try:
            source, settings = self._source(action, before, about)
            async with asyncio.timeout(seconds), self._peers(settings) as peers:
                peer, known = await first_answer(peers)
                if action.arguments.get("expire"):
                    mine = _standing(known, before.get("mark") or _of_run(about))
                    begun = bool(mine)
                    return await _end(peer, mine)
                matchers = self._matchers(action, about)
                begun = True
                return await self._write(peer, known, matchers, timedelta(seconds=action.arguments["seconds"]), about)
        except TimeoutError:
            why = f"the Alertmanager of {source} did not answer within {seconds:g} s"
        except ApiUnavailable as error:
            why = str(error)
        except TocsinError as error:
            return Done("failed", reason=str(error))
        return Done("unknown" if begun else "failed", reason=why)

    async def close(self) -> None:
        """Nothing is kept."""

    def _source(self, action: Action, before: Mapping[str, str], about: About) -> tuple[str, ReconcileSettings]:
        """Whose Alertmanager: the one of the step that is taken back, the step's, the incident's.

        Raises:
            CannotBegin: nobody knows where that is.
        """
        source = before.get("source") or action.arguments.get("source") or about.source
        settings = self.sources.get(source)
        if settings is None:
            raise CannotBegin(
                f"nobody knows the Alertmanager of {source or 'the incident'}: set sources.NAME.reconcile.alertmanagers"
            )
        return source, settings

    def _matchers(self, action: Action, about: About) -> Matchers:
        """What the silence matches.

        Raises:
            CannotBegin: the alert lacks a label; without its value the silence would be one for other alerts.
        """
        names = action.arguments["labels"]
        missing = [name for name in names if not about.labels.get(name)]
        if missing:
            raise CannotBegin(f"the alert has no label {', '.join(missing)}")
        values = {name: about.labels[name] for name in names}
        if self._tenant_label:
            values[self._tenant_label] = about.labels.get(self._tenant_label, "")
        try:
            return tuple(Matcher(name, "=", value) for name, value in values.items())
        except ValueError as error:
            raise CannotBegin(str(error)) from error

    async def _write(
        self, peer: Peer, known: Sequence[GettableSilence], matchers: Matchers, lasting: timedelta, about: About
    ) -> Done:
        mark, now = _mark(about), self._clock.now()
        until = now + lasting
        text = comment(mark, about.title, f"incident {about.incident}")
        standing = _standing(known, mark)
        if not standing:
            wanted = Wanted(on_the_wire(matchers), until, BY, text)
            try:
                name = await peer.write_silence(wanted.as_written(None, now))
            except ApiUnavailable:
                standing = _standing(await peer.silences(), mark)
                if not standing:
                    raise
        if standing:
            name, until = standing[0].id, standing[0].ends_at
        words = ", ".join(map(str, matchers))
        return Done("succeeded", f"silence {name}: {words}, until {until:%Y-%m-%d %H:%M} UTC")


async def _end(peer: Peer, silences: Sequence[GettableSilence]) -> Done:
    for one in silences:
        await peer.end_silence(one.id)
    return Done("succeeded", "\n".join(f"ended silence {one.id}" for one in silences) or "there was none that holds")


def _standing(known: Sequence[GettableSilence], mark: str) -> list[GettableSilence]:
    return [one for one in ours(known, mark) if one.holds]


def _of_run(about: About) -> str:
    """How the comment of each silence of a run begins."""
    return f"runbook run {about.run}, step "


def _mark(about: About) -> str:
    """How the comment of the one silence of this step begins."""
    return f"{_of_run(about)}{about.key}: "
