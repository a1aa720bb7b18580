"""Rows of what is held back. Written by deleting and inserting, which every database understands alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.held import HeldChanges, History, Place, Suppression
from receiver.store.schema import EPOCH, histories, places, suppressions

CHUNK = 500  # values in one IN (…): below every database's limit

_encode = msgspec.json.Encoder().encode
_suppression = msgspec.json.Decoder(Suppression)
_history = msgspec.json.Decoder(History)


def chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """The values in parts that fit into one statement."""
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def suppression_of(content: bytes) -> Suppression:
    """A suppression from its row."""
    return _suppression.decode(content)


def history_of(content: bytes) -> History:
    """A history from its row."""
    return _history.decode(content)


async def write_held(connection: AsyncConnection, changes: HeldChanges) -> None:
    """Writes what a batch changed; comes after its occurrences, which the rows refer to."""
    await _write(connection, suppressions, changes.suppressions, _suppression_row)
    await _write(connection, histories, changes.histories, _history_row)
    await _write(connection, places, changes.places, _place_row)
    if changes.forget_before is not None:
        old = (histories.c.changed_at < changes.forget_before) & histories.c.look_at.is_(None)
        await connection.execute(sa.delete(histories).where(old))


async def _write(
    connection: AsyncConnection,
    table: sa.Table,
    changed: Mapping[str, Any],
    row_of: Callable[[str, Any], dict[str, Any]],
) -> None:
    if not changed:
        return
    (key_column,) = table.primary_key.columns
    for chunk in chunks(list(changed)):
        await connection.execute(sa.delete(table).where(key_column.in_(chunk)))
    rows = [row_of(key, value) for key, value in changed.items() if value is not None]
    if rows:
        await connection.execute(sa.insert(table), rows)


def _suppression_row(occurrence: str, suppression: Suppression) -> dict[str, Any]:
    return {
        "occurrence": occurrence,
        "identity": suppression.identity,
        "kind": suppression.hold.kind.value,
        "by": suppression.hold.by,
        "look_at": suppression.hold.look_at,
        "suppression": _encode(suppression),
    }


def _history_row(identity: str, history: History) -> dict[str, Any]:
    changed_at = max((*history.fired, *history.ended), default=EPOCH)
    return {
        "identity": identity,
        "look_at": history.look_at,
        "changed_at": changed_at,
        "history": _encode(history),
    }


def _place_row(occurrence: str, place: Place) -> dict[str, Any]:
    return {"occurrence": occurrence, "tenant": place.tenant, "node": place.node, "incident": place.incident}
