"""Which series stands in which row; series come and go."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from exporter.frame import Floats, Frame
from exporter.model import NEW, Rows
from exporter.names import Key, Named, keys_of

AWAY = -1  # of a series that did not come


@dataclass(frozen=True, slots=True)
class Register:
    """The series of a model's rows, and when each was last there (Unix seconds, shape (series,))."""

    keys: tuple[Key, ...] = ()
    seen: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True)
class Aligned:
    """A Frame in a register's order; `rows` is None where the register stayed as it was."""

    register: Register
    frame: Frame
    rows: Rows | None


def align(register: Register, frame: Frame, *, forget_seconds: float) -> Aligned:
    """Brings a Frame into the rows of the model: new series are added, those long gone leave."""
    newest = frame.last
    keys = keys_of(frame.labels)
    if keys == register.keys:
        seen = np.where(np.isfinite(frame.values).any(axis=1), newest, register.seen)
        same = Frame(frame.values, Named(register.keys), frame.start, frame.step)
        return Aligned(Register(register.keys, seen), same, None)
    came = dict(zip(keys, range(len(keys)), strict=True))
    at = np.array([came.get(key, AWAY) for key in register.keys], dtype=np.intp)
    staying = np.flatnonzero((at != AWAY) | (newest - register.seen < forget_seconds))
    new = np.ones(len(keys), dtype=np.bool_)
    new[at[at != AWAY]] = False
    added = np.flatnonzero(new)
    values = _picked(frame.values, np.concatenate([at[staying], added]))
    seen = np.concatenate([register.seen[staying], np.full(len(added), newest)])
    seen = np.where(np.isfinite(values).any(axis=1), newest, seen)
    unchanged = len(staying) == len(register.keys) and not len(added)
    rows = None if unchanged else np.concatenate([staying, np.full(len(added), NEW)])
    known = register.keys
    if not unchanged:
        known = (*(known[row] for row in staying.tolist()), *(keys[row] for row in added.tolist()))
    return Aligned(Register(known, seen), Frame(values, Named(known), frame.start, frame.step), rows)


def _picked(values: Floats, rows: Rows) -> Floats:
    """Other rows of values; `AWAY` is one of NaN."""
    found: Floats = values[rows]
    found[rows == AWAY] = np.nan
    return found
