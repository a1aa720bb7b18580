"""Which series stands in which row; series come and go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from exporter.frame import Floats, Frame
from exporter.model import NEW, Rows
from exporter.reading import Key, key_of


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
    newest = frame.start + (frame.steps - 1) * frame.step
    came = {key_of(labels): row for row, labels in enumerate(frame.labels)}
    staying = [
        row for row, key in enumerate(register.keys) if key in came or newest - register.seen[row] < forget_seconds
    ]
    known = set(register.keys)
    added = [key for key in came if key not in known]
    keys = (*(register.keys[row] for row in staying), *added)
    seen = np.concatenate([register.seen[staying], np.full(len(added), newest)])
    values = _ordered(keys, came, frame)
    seen = np.where(np.isfinite(values).any(axis=1), newest, seen)
    unchanged = keys == register.keys
    rows = None if unchanged else np.array([*staying, *[NEW] * len(added)], dtype=np.intp)
    labels = tuple(dict(key) for key in keys)
    return Aligned(
        Register(register.keys if unchanged else keys, seen), Frame(values, labels, frame.start, frame.step), rows
    )


def _ordered(keys: Sequence[Key], came: dict[Key, int], frame: Frame) -> Floats:
    order = np.array([came.get(key, len(came)) for key in keys], dtype=np.intp)
    return np.vstack([frame.values, np.full((1, frame.steps), np.nan)])[order]
