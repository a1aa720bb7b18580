"""The tables. Times are whole microseconds since 1970 (UTC): exact, ordered, and the same on every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

metadata = sa.MetaData()


class Time(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds since 1970."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


# Raw bodies, from the answer 200 until the engine has committed what they mean.
inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("received_at", Time, nullable=False),
    sa.Column("alerts", sa.Integer, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("origin", sa.Text),  # whom the sender may speak for, and its trace; null: nothing is known
    sqlite_autoincrement=True,  # a position is never given twice
)

# Bodies that parse but say nothing that we understand.
quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("received_at", Time, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

# One row: whose turn it is. Every start takes the next epoch; work claimed under an older one is free again.
engine = sa.Table(
    "engine",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("opened_at", Time, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),  # the fold of its events, as JSON
    sa.Index("incidents_newest", "opened_at", "id"),
    sa.Index("incidents_status", "status", "severity"),
)
sa.Index("incidents_open_key", incidents.c.key, unique=True, sqlite_where=incidents.c.status != "resolved")

events = sa.Table(
    "events",
    metadata,
    sa.Column("incident", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),  # two writers of one version: the second one decides again
    sa.Column("at", Time, nullable=False),
    sa.Column("event", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

occurrences = sa.Table(
    "occurrences",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("starts_at", Time, nullable=False),
    sa.Column("ends_at", Time),
    sa.Column("incident", sa.Text),
    sa.Column("labels", sa.LargeBinary, nullable=False),
    sa.Column("annotations", sa.LargeBinary, nullable=False),
    sa.Column("generator_url", sa.Text, nullable=False),
    sa.Column("expired", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("not_before", Time),
    sa.Index("occurrences_identity", "identity", "ends_at"),
    sa.Index("occurrences_incident", "incident"),
    sa.Index("occurrences_newest", "starts_at", "id"),
)
sa.Index("occurrences_open", occurrences.c.identity, unique=True, sqlite_where=occurrences.c.ends_at.is_(None))

# What happens later: timers and messages.
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("queue", sa.Text, nullable=False),  # jobs of one queue run one after the other, in order
    sa.Column("incident", sa.Text, nullable=False),
    sa.Column("due_at", Time, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # pending, running
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Index("jobs_due", "lane", "state", "due_at"),
    sa.Index("jobs_queue", "queue", "id"),
    sqlite_autoincrement=True,
)

finished_jobs = sa.Table(
    "finished_jobs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("incident", sa.Text, nullable=False),
    sa.Column("finished_at", Time, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
)

# Alerts that are held back, each with its reason; the row goes when the alert goes to an incident after all.
suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("occurrence", sa.Text, sa.ForeignKey("occurrences.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),  # the window, incident or rule that holds it
    sa.Column("look_at", Time),  # when it must be looked at again
    sa.Column("suppression", sa.LargeBinary, nullable=False),  # all of it, as JSON
    sa.Index("suppressions_by", "by", "occurrence"),
    sa.Index("suppressions_look_at", "look_at"),
)

# How alerts that came back have come and gone of late.
histories = sa.Table(
    "histories",
    metadata,
    sa.Column("identity", sa.Text, primary_key=True),
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
    sa.Column("occurrence", sa.Text, sa.ForeignKey("occurrences.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("incident", sa.Text, nullable=False),
    sa.Index("places_node", "node", "tenant"),
)

# Maintenance windows that people added at run time; those of the configuration are not here.
maintenance = sa.Table(
    "maintenance",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created_at", Time, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("ended_at", Time),
    sa.Column("ended_by", sa.Text),
    sa.Column("settings", sa.LargeBinary, nullable=False),  # as in the configuration, as JSON
)
