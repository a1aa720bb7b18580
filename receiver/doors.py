"""Everything that is asked of the receiver over HTTP, wired: who may, and what answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

from aiohttp import web

from receiver.access.desk import Desk
from receiver.access.proofs import Proofs
from receiver.metrics import Metrics
from receiver.prepared import Prepared
from receiver.raising import Raising
from receiver.store.answered import Answered
from receiver.store.database import Database
from receiver.store.figures import KeptFigures, figures
from receiver.store.inbox import Inbox
from receiver.store.ledger import Ledger
from receiver.store.probe import Probe
from receiver.store.quarantined import Quarantine
from receiver.store.tokens import Tokens
from receiver.store.windows import Windows
from receiver.web.access import Access
from receiver.web.answer import AnswerPages
from receiver.web.api import Api
from receiver.web.approvals import ApprovalApi
from receiver.web.callbacks import Callbacks
from receiver.web.creating import Creating
from receiver.web.decisions import DecisionApi
from receiver.web.hooks import Hooks
from receiver.web.idempotency import Idempotency
from receiver.web.maintenance import MaintenanceApi
from receiver.web.notifications import NotificationApi
from receiver.web.oncall import OnCallApi
from receiver.web.openapi_api import OpenApi
from receiver.web.operations import Lifecycle, Operations
from receiver.web.overrides import OverrideApi
from receiver.web.preview import PreviewApi
from receiver.web.problems import problems, same_site
from receiver.web.quarantine import QuarantineApi
from receiver.web.recording import Recording
from receiver.web.remediation import SwitchApi
from receiver.web.responses import Responses
from receiver.web.runbook_pages import RunbookSite
from receiver.web.runbooks import RunbookApi
from receiver.web.runs import RunApi
from receiver.web.slack_answers import SlackAnswers
from receiver.web.tokens import TokenApi
from receiver.web.uploads import Uploads
from receiver.working import Working
from tocsin.clock import Clock
from tocsin.door import Connections
from tocsin.guard import Guard


@dataclass(frozen=True, slots=True)
class Doors:
    """The application, and those of its parts that a configuration reaches or others look at."""

    application: web.Application
    hooks: Hooks
    access: Access
    tokens: Tokens
    callbacks: Callbacks
    slack: SlackAnswers
    decisions: DecisionApi
    maintenance: MaintenanceApi
    runbooks: RunbookApi
    runbook_site: RunbookSite
    uploads: Uploads
    connections: Connections
    lifecycle: Lifecycle

    @classmethod
    async def build(
        cls,
        database: Database,
        prepared: Prepared,
        guard: Guard,
        *,
        inbox: Inbox,
        recording: Recording,
        ledger: Ledger,
        working: Working,
        probe: Probe,
        windows: Windows,
        metrics: Metrics,
        failing: Callable[[], str],
        tenant_label: Callable[[], str],
        clock: Clock,
    ) -> Self:
        """Wires the parts together.

        Args:
            failing: why the engine waits, an empty text if it does not.
        """
        config = prepared.config
        queries, stories, decider = working.queries, working.stories, working.decider
        telling, remediating, wake = working.telling, working.remediating, working.job_due.set
        handlers, responder, lifecycle = telling.handlers, telling.responder, Lifecycle()
        uploads = Uploads(config.bounds)
        hooks = Hooks(inbox, metrics, clock, prepared.authentication, uploads)
        hooks.taken = recording.taken
        tokens = Tokens(database)
        access = Access(Proofs(responder.directory, tokens, clock), metrics, config.external_url)
        slack = SlackAnswers.build(responder, handlers.channels, clock, wake)
        callbacks = Callbacks.build(
            responder=responder,
            decider=decider,
            queries=queries,
            channels=handlers.channels,
            uploads=uploads,
            clock=clock,
            external_url=config.external_url,
            wake=wake,
        )
        guarded = guard.middleware(
            exempt=lambda request: hooks.asks_for_proof(request) or access.exempt(request), patient=hooks.takes
        )
        connections = Connections(config.max_connections, metrics.turned_away.inc)
        once = await Idempotency.open(Answered(database), clock)
        decisions = DecisionApi(queries, inbox, clock)
        maintenance = MaintenanceApi(windows, config.maintenance, clock)
        runs = remediating.runs
        runbooks = RunbookApi(remediating.proposing, runs, queries, fresh=lambda: uuid4().hex)
        runbooks.configured = config.remediation is not None
        runbook_site = RunbookSite(config.runbook_pages)
        operations = Operations(
            writable=probe.takes_writes,
            figures=KeptFigures(lambda: figures(database, inbox, clock.now())),
            inbox=inbox,
            uploads=uploads,
            metrics=metrics,
            failing=failing,
            lifecycle=lifecycle,
            clock=clock,
        )
        raising = Raising(decider, responder, clock, tenant_label=tenant_label)
        application = web.Application(
            middlewares=[
                connections.middleware(),
                guarded,
                problems,
                same_site,
                access.middleware(),
                once.middleware(),
            ]
        )
        application.on_shutdown.append(recording.end)
        for routes in (
            hooks.routes(),
            callbacks.routes(),
            slack.routes(),
            Api(queries, stories).routes(),
            Creating(raising, fresh=lambda: uuid4().hex).routes(),
            Responses(queries, responder, clock).routes(),
            decisions.routes(),
            maintenance.routes(),
            runbooks.routes(),
            runbook_site.routes(),
            RunApi(runs, queries, ledger).routes(),
            ApprovalApi(runs, ledger, responder, decider).routes(),
            SwitchApi(runs, clock).routes(),
            OnCallApi(telling.oncall, responder, clock).routes(),
            OverrideApi(telling.oncall, telling.overrides, clock).routes(),
            PreviewApi(handlers, responder, queries, clock).routes(),
            NotificationApi(telling.outbox, queries, decider).routes(),
            TokenApi(Desk(tokens, clock), access.proofs).routes(),
            AnswerPages(handlers.envelopes.links, responder, ledger, clock).routes(),
            recording.routes(),
            QuarantineApi(Quarantine(database, inbox)).routes(),
            OpenApi().routes(),
            operations.routes(),
        ):
            application.add_routes(routes)
        return cls(
            application=application,
            hooks=hooks,
            access=access,
            tokens=tokens,
            callbacks=callbacks,
            slack=slack,
            decisions=decisions,
            maintenance=maintenance,
            runbooks=runbooks,
            runbook_site=runbook_site,
            uploads=uploads,
            connections=connections,
            lifecycle=lifecycle,
        )

    def take(self, prepared: Prepared) -> None:
        """Goes on with another configuration, from the next request on."""
        config = prepared.config
        self.hooks.authentication = prepared.authentication
        self.access.proofs.people = prepared.directory
        self.access.external_url = config.external_url
        self.slack.configure(prepared.channels)
        self.callbacks.configure(prepared.channels, config.external_url)
        self.uploads.bounds = config.bounds
        self.connections.limit = config.max_connections
        self.maintenance.configure(config.maintenance)
        self.runbooks.configured = config.remediation is not None
        self.runbook_site.own = config.runbook_pages
