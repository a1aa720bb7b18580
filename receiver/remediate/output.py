"""What steps print, as it may be kept: bounded while it is read, without secrets, and harmless to whoever shows it."""

from __future__ import annotations

from collections.abc import Iterable

from receiver.remediate.step import MOST_OUTPUT
from tocsin.masking import harmless, masked, masked_part

MARGIN = 8_192  # bytes that are read beyond what is kept, so that a secret at the cut is known as a whole


def bounded(text: str, most: int = MOST_OUTPUT) -> str:
    """The text, or its beginning and its end; `most` characters of it are kept."""
    if len(text) <= most:
        return text
    half = most // 2
    return _joined(text[:half], len(text[half:-half].encode("utf-8", "replace")), text[-half:])


class Output:
    """What is being printed: its beginning and its end, however much it is."""

    def __init__(self, most: int = MOST_OUTPUT) -> None:
        """Keeps `most` bytes; `MARGIN` bytes more at either side of the cut are only looked at."""
        self._half = most // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.size = 0

    def add(self, chunk: bytes) -> None:
        """Takes what was printed next."""
        room = self._half + MARGIN
        self.size += len(chunk)
        rest = max(0, room - len(self._head))
        self._head += chunk[:rest]
        self._tail += chunk[rest:][-room:]
        if len(self._tail) > 2 * room:
            del self._tail[:-room]

    def text(self, secrets: Iterable[str] = ()) -> str:
        """What may be kept of it."""
        kept = bytes(self._head + self._tail)
        if self.size <= 2 * self._half:
            return masked(_decoded(kept), secrets)
        half, room, hidden = self._half, self._half + MARGIN, tuple(secrets)
        first, last = kept[:room], kept[-room:]
        head, tail = harmless(_decoded(first)), harmless(_decoded(last))
        shown, ends = len(harmless(_decoded(first[:half]))), len(harmless(_decoded(last[-half:])))
        return _joined(
            masked_part(head, 0, shown, hidden),
            self.size - 2 * half,
            masked_part(tail, max(0, len(tail) - ends), len(tail), hidden),
        )


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _joined(first: str, left_out: int, last: str) -> str:
    return f"{first}\n… {left_out:,} bytes left out …\n{last}"
