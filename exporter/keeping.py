"""What was learned of a query, kept in a file, so that a restart reads only what has come since.

The file is a ZIP archive without compression (profiles of noisy numbers hardly shrink): one member for each array, its
bytes alone, and last `about.json`. ZIP brings a checksum (CRC-32) for each member and an index at the end, so that what
was cut off or changed is noticed. Nothing in it is ever executed, and no size that it names is believed: which arrays
there must be, of which type and shape, is known from the model.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from exporter.frame import Frame
from exporter.model import Arrays, Model
from exporter.reading import Key
from exporter.rows import Register

FORMAT = 1
ABOUT, SEEN, BESIDE = "about.json", "register.seen", "beside/"
CHUNK = 1 << 20
DAMAGED = (  # what zipfile, json and numpy raise at bytes that nobody meant
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    OverflowError,
    RuntimeError,
)

S = TypeVar("S")

Layout = Mapping[str, tuple[str, tuple[int, ...]]]  # type and shape of each array, for one series


class Unusable(Exception):
    """A file of state that cannot be used; `reason` is one of a few words, to be counted by."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Kept(Generic[S]):
    """What is kept of a query: the model's state, its rows, and the newest column's time in Unix seconds.

    `beside`: arrays that are worth keeping, but may be missing.
    """

    state: S
    register: Register
    last: float
    beside: Arrays = field(default_factory=dict)


def layout_of(model: Model[Any], step_seconds: float) -> Layout:
    """What a model's state looks like for one series."""
    fresh = model.fit(Frame(np.empty((1, 0)), ({},), 0.0, float(step_seconds)))
    return {name: (array.dtype.str, array.shape) for name, array in model.arrays(fresh).items()}


def digest_of(settings: Mapping[str, Any], model: Model[Any], layout: Layout) -> str:
    """Tells states apart that must not be taken for each other: those of other settings or of another model."""
    said = json.dumps([settings, type(model).__qualname__, layout], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def write(stream: BinaryIO, kept: Kept[Any], arrays: Arrays, layout: Layout, digest: str) -> None:
    """Writes a state, whose `arrays` the model gave, as a file's whole content.

    Raises:
        OSError: it cannot be written.
    """
    members = {name: np.ascontiguousarray(arrays[name], kind) for name, (kind, _) in layout.items()}
    members[SEEN] = np.ascontiguousarray(kept.register.seen)
    members |= {f"{BESIDE}{name}": np.ascontiguousarray(array) for name, array in kept.beside.items()}
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in members.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(array.reshape(-1).view(np.uint8).data)
        beside = {name: (array.dtype.str, array.shape) for name, array in kept.beside.items()}
        about = {"format": FORMAT, "digest": digest, "last": kept.last, "keys": kept.register.keys, "beside": beside}
        archive.writestr(ABOUT, json.dumps(about))


def read(stream: BinaryIO, model: Model[S], layout: Layout, digest: str) -> Kept[S]:
    """What `write` has written.

    Raises:
        Unusable: it is of another format, settings or model, or damaged.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            about = json.loads(archive.read(ABOUT))
            _refuse_others(about, digest)
            keys, last = _keys(about["keys"]), float(about["last"])
            if not math.isfinite(last):
                raise ValueError("the time of the newest column is no number")
            seen = _array(archive, SEEN, np.dtype(np.float64), (len(keys),))
            state = model.restore(_Members(archive, layout, len(keys)))
            beside = {
                str(name): _array(archive, f"{BESIDE}{name}", np.dtype(kind), tuple(shape))
                for name, (kind, shape) in about["beside"].items()
            }
    except DAMAGED as error:
        raise Unusable("corrupt", f"it is damaged ({type(error).__name__}: {error})") from error
    return Kept(state, Register(keys, seen), last, beside)


def _refuse_others(about: Mapping[str, Any], digest: str) -> None:
    if about["format"] != FORMAT:
        raise Unusable("version", f"it has format {about['format']}, and this version knows {FORMAT}")
    if about["digest"] != digest:
        raise Unusable("changed", "it was learned with other settings, or by another model or version of it")


def _keys(listed: Any) -> tuple[Key, ...]:
    return tuple(tuple((str(name), str(value)) for name, value in key) for key in listed)


class _Members(Mapping[str, NDArray[Any]]):
    """An archive's arrays, each read when it is asked for: no second copy of everything lies in memory."""

    def __init__(self, archive: zipfile.ZipFile, layout: Layout, series: int) -> None:
        self._archive, self._layout, self._series = archive, layout, series

    def __getitem__(self, name: str) -> NDArray[Any]:
        kind, shape = self._layout[name]
        whole = (*shape[:-1], self._series) if shape else ()
        return _array(self._archive, name, np.dtype(kind), whole)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layout)

    def __len__(self) -> int:
        return len(self._layout)


def _array(archive: zipfile.ZipFile, name: str, kind: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if archive.getinfo(name).file_size != kind.itemsize * math.prod(shape):
        raise ValueError(f"{name} is of another size")
    array = np.empty(shape, kind)
    into, filled = array.reshape(-1).view(np.uint8), 0
    with archive.open(name) as member:
        while part := member.read(CHUNK):
            into[filled : filled + len(part)] = np.frombuffer(part, np.uint8)
            filled += len(part)
    if filled != array.nbytes:
        raise EOFError(f"{name} ends too soon")
    return array
