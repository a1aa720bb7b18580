"""Whoever is told, wired: schedules, escalation, messages, answers, silences. What people configure reaches it here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from receiver.decide import Decider
from receiver.engine.routing import Routing
from receiver.envelopes import Envelopes
from receiver.jobs.escalating import Escalating
from receiver.jobs.handlers import Handlers
from receiver.jobs.pacing import Pacer
from receiver.notify.answer_links import AnswerLinks
from receiver.notify.channel import close
from receiver.oncall.current import OnCall
from receiver.prepared import Prepared, pacing_of
from receiver.respond import Responder
from receiver.silences.keeper import Silences
from receiver.store.database import Database
from receiver.store.keys import key
from receiver.store.ledger import Ledger
from receiver.store.outbox import Outbox
from receiver.store.overrides import Overrides
from receiver.store.stories import Stories
from receiver.store.workload import Workload
from tocsin.clock import Clock


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told of incidents, by what, and how they answer."""

    oncall: OnCall
    overrides: Overrides
    outbox: Outbox
    handlers: Handlers
    responder: Responder
    silences: Silences

    @classmethod
    async def build(
        cls,
        database: Database,
        prepared: Prepared,
        routing: Routing,
        *,
        ledger: Ledger,
        stories: Stories,
        decider: Decider,
        clock: Clock,
    ) -> Self:
        """Wires the parts together.

        Raises:
            TocsinError: the key of the answer links cannot be read.
        """
        config, directory = prepared.config, prepared.directory
        outbox, overrides = Outbox(database), Overrides(database)
        oncall = OnCall(prepared.schedules, overrides, clock)
        oncall.knows = lambda user: user in responder.directory.users or not responder.directory.users
        responder = Responder(decider, ledger, directory, routing, clock)
        handlers = Handlers(
            ledger=ledger,
            stories=stories,
            envelopes=Envelopes(stories, AnswerLinks(await key(database, "links"), config.external_url), clock),
            channels=prepared.channels,
            clock=clock,
            escalating=Escalating(directory, routing, Workload(database), clock, oncall.current),
            pacer=Pacer(outbox, pacing_of(config)),
        )
        handlers.silences = silences = Silences(
            members=stories,
            records=decider,
            sources=config.alertmanagers,
            clock=clock,
            external_url=config.external_url,
        )
        return cls(oncall, overrides, outbox, handlers, responder, silences)

    async def take(self, prepared: Prepared, routing: Routing) -> None:
        """Goes on with another configuration; channels that are no longer there are let go of."""
        config, handlers = prepared.config, self.handlers
        before, handlers.channels = handlers.channels, prepared.channels
        handlers.pacer.settings = pacing_of(config)
        handlers.escalating.directory = self.responder.directory = prepared.directory
        handlers.escalating.routing = self.responder.routing = routing
        handlers.envelopes.links.external_url = config.external_url
        self.silences.sources = config.alertmanagers
        self.silences.external_url = config.external_url
        self.oncall.configure(prepared.schedules)
        await close(one for name, one in before.items() if prepared.channels.get(name) is not one)

    async def close(self) -> None:
        """Lets go of what the channels keep."""
        await close(self.handlers.channels.values())
