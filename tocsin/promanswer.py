"""Prometheus's answers: what is in them, or why they bring nothing.

QueryError                  a query brought nothing that can be used; `reason` is a word for metrics
├── NoAnswer                no server answers just now (also an ApiUnavailable: may be tried again)
│   └── TooSlow             not within the time that we, or the server, allow
├── NotPrometheus           something else answered, a login page for one (may be tried again, too)
├── QueryRefused            Prometheus refuses the query; carries its own message
│   └── NotLetIn            the server wants to know who we are, or a secret of ours is not there
├── TooMuch                 the answer is larger than the server or we can bear: ask for a shorter range
└── NothingToRead           the answer holds no series of numbers
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec

from tocsin.errors import ApiUnavailable, TocsinError

PARTIAL = "some of its storage nodes did not answer"
NOTHING = msgspec.Raw(b"")
TOO_MUCH = (
    "too many samples",
    "exceeded maximum resolution",
    "too many points",
    "expanding series",
    "exceeds the limit",  # Mimir, Cortex: the length of a range
    "err-mimir-max-",
    "cannot select more than",  # VictoriaMetrics: samples, series
)
TOO_SLOW = ("timed out", "deadline exceeded")


def ignore(warning: str) -> None:
    """Nobody is told."""


class QueryError(TocsinError):
    """A query brought nothing that can be used."""

    reason: ClassVar[str] = "failed"


class NoAnswer(QueryError, ApiUnavailable):
    """No server answers just now."""

    reason = "unavailable"


class TooSlow(NoAnswer):
    """No server answers in time."""

    reason = "timeout"


class NotPrometheus(QueryError, ApiUnavailable):
    """What answered is not a Prometheus API."""

    reason = "not_prometheus"


class QueryRefused(QueryError):
    """Prometheus refuses the query."""

    reason = "refused"


class NotLetIn(QueryRefused):
    """The server does not let us in."""

    reason = "unauthorized"


class TooMuch(QueryError):
    """The answer is larger than the server, or what we have set, allows."""

    reason = "too_large"


class NothingToRead(QueryError):
    """The answer holds no series of numbers."""

    reason = "empty"


class Series(msgspec.Struct, frozen=True, gc=False):
    """One series of a range, as the answer's bytes have it: an object of labels, and `[[time, "number"], …]`."""

    metric: msgspec.Raw
    values: msgspec.Raw = NOTHING
    histograms: msgspec.Raw = NOTHING


class Sample(msgspec.Struct, frozen=True):
    """One series at one moment; a scalar has no labels. `value` None: it is a native histogram."""

    metric: dict[str, str]
    value: float | None


class _Point(msgspec.Struct, frozen=True):
    metric: dict[str, str] = {}
    value: tuple[float, str] | None = None


class _Data(msgspec.Struct, frozen=True):
    result_type: str = msgspec.field(name="resultType", default="")
    result: msgspec.Raw = msgspec.Raw(b"[]")


class _Answer(msgspec.Struct, frozen=True):
    status: str
    data: _Data = _Data()
    error: str = ""
    warnings: list[str] | None = None
    partial: bool = msgspec.field(name="isPartial", default=False)

    def told(self) -> list[str]:
        """What the server says beside its answer.

        Source: the HTTP APIs of Prometheus (`warnings`, which Thanos fills, too) and VictoriaMetrics (`isPartial`).
        """
        return [*(self.warnings or ()), *([PARTIAL] if self.partial else ())]


_ANSWER = msgspec.json.Decoder(_Answer)
_MATRIX = msgspec.json.Decoder(list[Series])
_VECTOR = msgspec.json.Decoder(list[_Point])
_SCALAR = msgspec.json.Decoder(tuple[float, str])


def decode(url: str, status: int, body: bytes, warned: Callable[[str], None] = ignore) -> list[Series]:
    """The series in an answer's body; `warned` is told each thing that the server says beside it.

    Raises:
        QueryError: there are none in it; the message says what is there instead.
    """
    answer = _successful(url, status, body)
    for text in answer.told():
        warned(text)
    data = answer.data
    if data.result_type != "matrix":
        raise NothingToRead(f"{url} answered with a {data.result_type or 'nothing'}, not with series")
    return _matrix(url, data.result)


def decode_instant(url: str, status: int, body: bytes) -> list[Sample]:
    """The samples in the answer to an instant query; raises as `decode` does."""
    data = _successful(url, status, body).data
    try:
        match data.result_type:
            case "vector":
                return [_sample(point.metric, point.value) for point in _VECTOR.decode(data.result)]
            case "scalar":
                return [_sample({}, _SCALAR.decode(data.result))]
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise NotPrometheus(f"{url} answered with samples that cannot be read: {error}") from error
    raise NothingToRead(f"{url} answered with a {data.result_type or 'nothing'}, not with numbers")


def _sample(metric: dict[str, str], point: tuple[float, str] | None) -> Sample:
    return Sample(metric, None if point is None else float(point[1]))


def _successful(url: str, status: int, body: bytes) -> _Answer:
    if status in (401, 403):
        raise NotLetIn(f"{url} does not let us in (HTTP {status})")
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        kind = TooSlow if status == 504 else NoAnswer if status >= 500 else NotPrometheus
        raise kind(f"{url} answered HTTP {status} with {_glance(body)} instead of Prometheus's JSON") from error
    if answer.status != "success" and any(words in answer.error for words in TOO_MUCH):
        raise TooMuch(f"{url} says: {answer.error}")
    if answer.status != "success" and any(words in answer.error for words in TOO_SLOW):
        raise TooSlow(f"{url} says: {answer.error}")
    if answer.status != "success":
        refused = 400 <= status < 500 and status != 429
        raise (QueryRefused if refused else NoAnswer)(f"{url} says: {answer.error or f'HTTP {status}'}")
    return answer


def _matrix(url: str, result: msgspec.Raw) -> list[Series]:
    try:
        return _MATRIX.decode(result)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotPrometheus(f"{url} answered with series that cannot be read: {error}") from error


def _glance(body: bytes) -> str:
    """What stands in a body that should not have come."""
    text = body[:200].decode("utf-8", "replace").strip()
    if not text:
        return "nothing"
    return (
        "an HTML page" if text.lower().startswith(("<!doctype html", "<html")) else f"{' '.join(text.split())[:60]!r}"
    )
