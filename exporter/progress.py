"""How far something is, on one line of a terminal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TextIO

from exporter.reading import Progress, ignore

WIDTH = 30


class ProgressLine:
    """Rewritten as shares are told; gone once everything is read. A stream that is no terminal is left alone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shares: dict[str, float] = {}
        self._shown = ""

    def of(self, query: str) -> Progress:
        """What is to be called with the share of a query's history that was read."""
        return partial(self._tell, query) if self._stream.isatty() else ignore

    def _tell(self, query: str, share: float) -> None:
        self._shares[query] = share
        if share >= 1.0:
            self._shares = {name: done for name, done in self._shares.items() if done < 1.0}
        text = line(self._shares)
        if text != self._shown:
            self._stream.write(f"\r\033[K{text}")
            self._stream.flush()
            self._shown = text


def line(shares: dict[str, float]) -> str:
    """A bar of the mean, and the query that is behind."""
    if not shares:
        return ""
    mean, behind = sum(shares.values()) / len(shares), min(shares, key=shares.__getitem__)
    bar = ("█" * round(mean * WIDTH)).ljust(WIDTH, "░")
    others = f" and {len(shares) - 1} more" if len(shares) > 1 else ""
    return f"reading history {bar} {mean:4.0%}  {behind}{others}"


class StageLine:
    """What is being done and its share, rewritten as it grows. A stream that is no terminal is left alone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None
        self._shown = ""

    def __call__(self, what: str, share: float) -> None:
        text = f"{what:<10} {share:4.0%} "
        if self._stream is not None and text != self._shown:
            self._stream.write(f"\r\033[K{text}")
            self._stream.flush()
            self._shown = text

    def of(self, query: str) -> Callable[[str, float], None]:
        """The same for one of several queries."""
        return lambda what, share: self(f"{what} {query}", share)

    def end(self) -> None:
        """Takes the line away."""
        if self._stream is not None:
            self._stream.write("\r\033[K")
            self._stream.flush()
