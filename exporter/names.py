"""Label sets, each decoded once: an answer is recognised by the bytes that it writes them in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import overload

import msgspec

from tocsin.model import Labels

Key = tuple[tuple[str, str], ...]  # sorted label pairs: what tells one series from another

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")  # what every version of the format can write
METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})

_LABELS = msgspec.json.Decoder(dict[str, str])
SPARE = 1_000  # label sets that are remembered beyond twice those of the newest answer


def key_of(labels: Mapping[str, str]) -> Key:
    return tuple(sorted(labels.items()))


def show(key: Key) -> str:
    """A label set as people write it in PromQL: `requests{job="node", shop="a"}`."""
    name = dict(key).get("__name__", "")
    plain = name if METRIC_NAME.fullmatch(name) else ""
    pairs = ", ".join(label(*pair) for pair in key if not (plain and pair[0] == "__name__"))
    return f"{plain}{{{pairs}}}" if pairs or not plain else plain


def label(name: str, value: str) -> str:
    """One label; a name of other letters than the old ones stands in quotes."""
    written = name if is_usual(name) else f'"{name.translate(ESCAPES)}"'
    return f'{written}="{value.translate(ESCAPES)}"'


@lru_cache(maxsize=4096)
def is_usual(name: str) -> bool:
    """Whether every version of Prometheus's format can write a label's name."""
    return LABEL_NAME.fullmatch(name) is not None


class Named(Sequence[Labels]):
    """The label sets of these keys; a mapping is made of one only when somebody asks."""

    __slots__ = ("keys",)

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> Labels: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Labels]: ...
    def __getitem__(self, index: int | slice) -> Labels | Sequence[Labels]:
        return Named(self.keys[index]) if isinstance(index, slice) else dict(self.keys[index])

    def __iter__(self) -> Iterator[Labels]:
        return map(dict, self.keys)


def keys_of(labels: Sequence[Labels]) -> tuple[Key, ...]:
    """The keys of label sets; the very same tuple where they were made of one."""
    return labels.keys if isinstance(labels, Named) else tuple(map(key_of, labels))


class Names:
    """What a query's answers call their series."""

    def __init__(self) -> None:
        self._known: dict[bytes, Key] = {}
        self._pairs: dict[tuple[str, str], tuple[str, str]] = {}
        self._newest = (0, 0)  # hash and number of the newest answer's label sets, instead of some 15 MB
        self._keys: tuple[Key, ...] = ()

    def of(self, written: Sequence[msgspec.Raw]) -> tuple[Key, ...]:
        """The keys of label sets as an answer writes them; the same answer again gives the very same tuple.

        Raises:
            msgspec.DecodeError: one of them is no mapping of texts to texts.
        """
        newest = (hash(b"".join(written)), len(written))
        if newest != self._newest:
            texts = [bytes(text) for text in written]
            self._keys, self._newest = tuple([self._known.get(text) or self._learn(text) for text in texts]), newest
            if len(self._known) > 2 * len(texts) + SPARE:
                self._forget_all_but(texts)
        return self._keys

    def _learn(self, text: bytes) -> Key:
        one = self._pairs.setdefault  # a label that stands in many sets is kept once
        pairs = [one(pair, pair) for pair in _LABELS.decode(text).items()]
        key = self._known[text] = tuple(sorted(pairs))
        return key

    def _forget_all_but(self, texts: Sequence[bytes]) -> None:
        self._known = dict(zip(texts, self._keys, strict=True))
        self._pairs = {pair: pair for key in self._keys for pair in key}
