"""The tables. Times are whole microseconds since 1970 (UTC): exact, ordered, and the same on every database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

metadata = sa.MetaData()

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite's INTEGER has 64 bits, and alone can be a row's id


class Time(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds since 1970."""

    impl = sa.BigInteger
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[datetime | None], int | None]:
        return _microseconds

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


def _microseconds(value: datetime | None) -> int | None:
    return None if value is None else (value - EPOCH) // MICROSECOND


class Text(TypeDecorator[str]):
    """A text, compared byte by byte on every database; PostgreSQL can hold neither NUL nor half a surrogate pair."""

    impl = sa.Text
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[str | None], str | None] | None:
        return _without_nul if dialect.name == "postgresql" else None


@compiles(Text, "postgresql")
def _text_of_postgresql(_type: Text, _compiler: Any, **_options: Any) -> str:
    return 'TEXT COLLATE "C"'


def _without_nul(text: str | None) -> str | None:
    return None if text is None else text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _where(index: sa.Index, rows: sa.ColumnElement[bool]) -> None:
    """Lets an index hold these rows alone."""
    for dialect in ("sqlite", "postgresql"):
        index.dialect_options[dialect]["where"] = rows


# Raw bodies, from the answer 200 until the engine has committed what they mean.
inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("source", Text, nullable=False),
    sa.Column("received_at", Time, nullable=False),
    sa.Column("alerts", sa.Integer, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("origin", Text),  # whom the sender may speak for, and its trace; null: nothing is known
    sqlite_autoincrement=True,  # a position is never given twice
)

# Bodies that parse but say nothing that we understand.
quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=False),
    sa.Column("source", Text, nullable=False),
    sa.Column("received_at", Time, nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("origin", Text),
    sa.Index("quarantine_oldest", "received_at"),
)

# One row: whose turn it is, until when by the database's clock. Whoever takes it begins the next epoch.
engine = sa.Table(
    "engine",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=False),
    sa.Column("epoch", Number, nullable=False),
    sa.Column("position", Number, nullable=False),
    sa.Column("holder", Text, nullable=False, server_default=""),
    sa.Column("expires_at", Time),  # none: until another process takes it
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("tenant", Text, nullable=False),
    sa.Column("key", Text, nullable=False),
    sa.Column("status", Text, nullable=False),
    sa.Column("severity", Text, nullable=False),
    sa.Column("opened_at", Time, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),  # the fold of its events, as JSON
    sa.Column("resolved_at", Time),
    sa.Index("incidents_newest", "opened_at", "id"),
    sa.Index("incidents_status", "status", "severity"),
)
_where(sa.Index("incidents_open_key", incidents.c.key, unique=True), incidents.c.status != "resolved")
_where(sa.Index("incidents_resolved", incidents.c.resolved_at), incidents.c.resolved_at.is_not(None))

events = sa.Table(
    "events",
    metadata,
    sa.Column("incident", Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),  # two writers of one version: the second one decides again
    sa.Column("at", Time, nullable=False),
    sa.Column("event", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

occurrences = sa.Table(
    "occurrences",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("identity", Text, nullable=False),
    sa.Column("tenant", Text, nullable=False),
    sa.Column("source", Text, nullable=False),
    sa.Column("fingerprint", Text, nullable=False),
    sa.Column("starts_at", Time, nullable=False),
    sa.Column("ends_at", Time),
    sa.Column("incident", Text),
    sa.Column("labels", sa.LargeBinary, nullable=False),
    sa.Column("annotations", sa.LargeBinary, nullable=False),
    sa.Column("generator_url", Text, nullable=False),
    sa.Column("expired", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("not_before", Time),
    sa.Index("occurrences_incident", "incident"),
    sa.Index("occurrences_newest", "starts_at", "id"),
)
# An occurrence stands in one of these two, so that opening it touches one place of one large index.
_where(sa.Index("occurrences_open", occurrences.c.identity, unique=True), occurrences.c.ends_at.is_(None))
_where(
    sa.Index("occurrences_closed", occurrences.c.identity, occurrences.c.ends_at), occurrences.c.ends_at.is_not(None)
)
_where(
    sa.Index("occurrences_alone", occurrences.c.ends_at),  # what no incident takes away with it
    occurrences.c.incident.is_(None) & occurrences.c.ends_at.is_not(None),
)

# What happens later: timers and messages.
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("key", Text, nullable=False, unique=True),
    sa.Column("lane", Text, nullable=False),
    sa.Column("queue", Text, nullable=False),  # jobs of one queue run one after the other, in order
    sa.Column("incident", Text, nullable=False),
    sa.Column("due_at", Time, nullable=False),
    sa.Column("state", Text, nullable=False),  # pending, running
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("epoch", Number, nullable=False),  # how often it was claimed: only the latest claim may finish it
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("claimed_until", Time),  # by the database's clock; a claim that is not renewed lapses
    sa.Column("address", Text, nullable=False, server_default=""),  # whom a message is for; empty: it is none
    sa.Column("held_until", Time),  # kept back to go together with others to its address, or for a limit
    sa.Column("reason", Text),  # why it is tried again, or held
    sa.Index("jobs_due", "lane", "state", "due_at"),
    sa.Index("jobs_queue", "queue", "id"),
    sa.Index("jobs_incident", "incident"),
    sqlite_autoincrement=True,
)
_where(sa.Index("jobs_running", jobs.c.claimed_until), jobs.c.state == "running")
_where(sa.Index("jobs_held", jobs.c.address, jobs.c.held_until), jobs.c.held_until.is_not(None))

finished_jobs = sa.Table(
    "finished_jobs",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=False),
    sa.Column("key", Text, nullable=False),
    sa.Column("lane", Text, nullable=False),
    sa.Column("incident", Text, nullable=False),
    sa.Column("finished_at", Time, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("outcome", Text, nullable=False),  # in words
    sa.Column("state", Text, nullable=False, server_default="done"),  # of a message: sent, delivered, skipped, dead
    sa.Column("address", Text, nullable=False, server_default=""),
    sa.Column("payload", sa.LargeBinary),  # of a message, so that it can be listed and put back
    sa.Column("carried_by", Text),  # the key of the message in which it went with others
    sa.Index("finished_jobs_oldest", "finished_at"),
)
_where(
    sa.Index("finished_jobs_told", finished_jobs.c.address, finished_jobs.c.finished_at), finished_jobs.c.address != ""
)
_where(sa.Index("finished_jobs_incident", finished_jobs.c.incident), finished_jobs.c.address != "")
_where(sa.Index("finished_jobs_dead", finished_jobs.c.id), finished_jobs.c.state == "dead")

# One row: the oldest revision whose release can use these tables. A migration that takes something away moves it.
compatibility = sa.Table(
    "compatibility",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=False),
    sa.Column("oldest", Text, nullable=False),
)

# Alerts that are held back, each with its reason; the row goes when the alert goes to an incident after all.
suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("occurrence", Text, sa.ForeignKey("occurrences.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("identity", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("by", Text, nullable=False),  # the window, incident or rule that holds it
    sa.Column("look_at", Time),  # when it must be looked at again
    sa.Column("suppression", sa.LargeBinary, nullable=False),  # all of it, as JSON
    sa.Index("suppressions_by", "by", "occurrence"),
    sa.Index("suppressions_look_at", "look_at"),
)

# How alerts that came back have come and gone of late.
histories = sa.Table(
    "histories",
    metadata,
    sa.Column("identity", Text, primary_key=True),
    sa.Column("look_at", Time),  # set while it flaps
    sa.Column("changed_at", Time, nullable=False),
    sa.Column("history", sa.LargeBinary, nullable=False),  # as JSON
    sa.Index("histories_look_at", "look_at"),
    sa.Index("histories_changed_at", "changed_at"),
)

# On which node of the declared topology the alerts of incidents fire.
places = sa.Table(
    "places",
    metadata,
    sa.Column("occurrence", Text, sa.ForeignKey("occurrences.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tenant", Text, nullable=False),
    sa.Column("node", Text, nullable=False),
    sa.Column("incident", Text, nullable=False),
    sa.Index("places_node", "node", "tenant"),
)

# Maintenance windows that people added at run time; those of the configuration are not here.
maintenance = sa.Table(
    "maintenance",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("created_at", Time, nullable=False),
    sa.Column("created_by", Text, nullable=False),
    sa.Column("ended_at", Time),
    sa.Column("ended_by", Text),
    sa.Column("settings", sa.LargeBinary, nullable=False),  # as in the configuration, as JSON
)

# Overrides and swaps of schedules that people added at run time; those of the configuration are not here.
overrides = sa.Table(
    "overrides",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("schedule", Text, nullable=False),
    sa.Column("starts_at", Time, nullable=False),
    sa.Column("ends_at", Time, nullable=False),
    sa.Column("person", Text, nullable=False),
    sa.Column("swap_with", Text, nullable=False),  # with whom `person` changes places; empty: an override
    sa.Column("created_at", Time, nullable=False),
    sa.Column("created_by", Text, nullable=False),
    sa.Column("removed_at", Time),
    sa.Column("removed_by", Text),
    sa.Index("overrides_ends_at", "ends_at"),
)

# What correlation has learned of each tenant's alerts: figures that may be lost, and are then learned anew.
learned = sa.Table(
    "learned",
    metadata,
    sa.Column("id", Text, primary_key=True),  # the tenant
    sa.Column("learned", sa.LargeBinary, nullable=False),
)

# How often a target of an escalation (`engine/targets.py`) has chosen one of several people in turn.
turns = sa.Table(
    "turns",
    metadata,
    sa.Column("target", Text, primary_key=True),
    sa.Column("taken", sa.Integer, nullable=False),
)

# API tokens. The secret itself is nowhere: `digest` is the SHA-256 of the whole token.
tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("user", Text, nullable=False),
    sa.Column("scopes", Text, nullable=False),  # with blanks between
    sa.Column("tenants", Text),  # as a JSON list; null: those of the user
    sa.Column("note", Text, nullable=False),
    sa.Column("created_at", Time, nullable=False),
    sa.Column("created_by", Text, nullable=False),
    sa.Column("expires_at", Time, nullable=False),
    sa.Column("used_at", Time),  # written at most once a minute
    sa.Column("revoked_at", Time),
    sa.Column("revoked_by", Text),
)

# What requests with an Idempotency-Key were answered, for a day; status null: it is being worked on.
answered = sa.Table(
    "answered",
    metadata,
    sa.Column("who", Text, primary_key=True),
    sa.Column("key", Text, primary_key=True),
    sa.Column("request", Text, nullable=False),  # its hash
    sa.Column("at", Time, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("headers", sa.LargeBinary),
    sa.Column("content", sa.LargeBinary),
    sa.Index("answered_oldest", "at"),
)

# Secrets that Tocsin made for itself, where several replicas share them; an embedded store has files beside it.
keys = sa.Table(
    "keys",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("secret", sa.LargeBinary, nullable=False),
)

# Runs of runbooks: what limits, lists and approvals ask for. The run itself is part of its incident.
remediations = sa.Table(
    "remediations",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("incident", Text, nullable=False),
    sa.Column("tenant", Text, nullable=False),
    sa.Column("runbook", Text, nullable=False),
    sa.Column("target", Text, nullable=False),
    sa.Column("fleet", Text, nullable=False),
    sa.Column("state", Text, nullable=False),  # of `engine/run.py`
    sa.Column("outcome", Text),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    sa.Column("by", Text, nullable=False),
    sa.Column("plan_hash", Text, nullable=False),
    sa.Column("proposed_at", Time, nullable=False),
    sa.Column("expires_at", Time),
    sa.Column("admitted_at", Time),  # by the database's clock where several share it; from then on it counts
    sa.Column("ended_at", Time),
    sa.Column("reason", Text, nullable=False),
    sa.Index("remediations_newest", "proposed_at", "id"),
    sa.Index("remediations_incident", "incident"),
)
for _name, _columns in (("admitted", ()), ("target", ("target",)), ("runbook", ("runbook",))):
    _admitted = remediations.c.admitted_at
    _where(
        sa.Index(f"remediations_{_name}", *(remediations.c[column] for column in _columns), _admitted),
        _admitted.is_not(None),
    )
_where(sa.Index("remediations_awaiting", remediations.c.expires_at), remediations.c.state == "awaiting")

# When all remediation was stopped, and when it was let go on: while a row has no `started_at`, nothing begins.
stops = sa.Table(
    "stops",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("stopped_at", Time, nullable=False),
    sa.Column("stopped_by", Text, nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("started_at", Time),
    sa.Column("started_by", Text),
)
