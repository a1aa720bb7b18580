"""Alertmanager's API v2: who answers, what fires there, what is silenced. Several peers are asked one by one.

Silences can be written and ended, too: at one peer, which tells the others.

AlertmanagerError        a request brought nothing that can be used; `reason` is a word for metrics
├── NoAnswer             nobody answers just now (also an ApiUnavailable: may be tried again)
├── NotAlertmanager      something else answered, a login page for one (may be tried again, too)
└── Refused              we are not let in, or what was asked for is not there

Source: prometheus/alertmanager api/v2/openapi.yaml.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
import tenacity

from tocsin.config import read_secret
from tocsin.errors import ApiUnavailable, TocsinError

ATTEMPTS = 3
BACK_OFF = tenacity.wait_random_exponential(multiplier=0.2, max=2.0)
LARGE_BYTES = 256 * 1024  # decoded off the event loop

P = TypeVar("P")
T = TypeVar("T")


class AlertmanagerError(TocsinError):
    """A request to an Alertmanager brought nothing that can be used."""

    reason: ClassVar[str] = "failed"


class NoAnswer(AlertmanagerError, ApiUnavailable):
    """Nobody answers just now."""

    reason = "unavailable"


class NotAlertmanager(AlertmanagerError, ApiUnavailable):
    """What answered is not Alertmanager's API v2."""

    reason = "not_alertmanager"


class Refused(AlertmanagerError):
    """We are not let in, or what was asked for is not there."""

    reason = "refused"


@dataclass(frozen=True, slots=True)
class Access:
    """How to get in; secrets are read at each request, so that they can be rotated."""

    bearer_token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    timeout_seconds: float = 10.0

    def headers(self) -> dict[str, str]:
        """The headers that let us in.

        Raises:
            TocsinError: a secret cannot be read.
        """
        if self.bearer_token_file is not None:
            return {"Authorization": f"Bearer {read_secret(self.bearer_token_file).strip()}"}
        if self.username is not None and self.password_file is not None:
            pair = f"{self.username}:{read_secret(self.password_file)}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}  # RFC 7617
        return {}


class Status(msgspec.Struct, frozen=True):
    """Since when an Alertmanager runs (the API calls it uptime), and its version."""

    uptime: datetime
    versionInfo: dict[str, str] = {}  # noqa: N815 - the API's name


class Named(msgspec.Struct, frozen=True):
    """A receiver of alertmanager.yml."""

    name: str


class AlertState(msgspec.Struct, frozen=True, rename="camel"):
    """`active`, `suppressed` (by silences or other alerts) or `unprocessed`."""

    state: str = ""
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()


class GettableAlert(msgspec.Struct, frozen=True, rename="camel"):
    """An alert that an Alertmanager knows; it lists none whose end has come."""

    labels: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    annotations: dict[str, str] = {}
    fingerprint: str = ""
    generator_url: str = msgspec.field(default="", name="generatorURL")
    receivers: tuple[Named, ...] = ()
    status: AlertState = AlertState()

    @property
    def active(self) -> bool:
        return self.status.state == "active"


class SilenceState(msgspec.Struct, frozen=True):
    """`pending`, `active` or `expired`."""

    state: str = ""


class Matcher(msgspec.Struct, frozen=True, rename="camel", order=True):
    """One condition of a silence."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class GettableSilence(msgspec.Struct, frozen=True, rename="camel"):
    """A silence; its id changes when its matchers do."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str = ""
    comment: str = ""
    status: SilenceState = SilenceState()
    updated_at: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether it silences something, now or from its start on."""
        return self.status.state in ("pending", "active")

    @property
    def ended_by_hand(self) -> bool:
        """Whether somebody ended it before its time: that moment is its end, and its last change."""
        changed = self.updated_at
        return not self.holds and changed is not None and abs(self.ends_at - changed) < timedelta(seconds=1)


class PostableSilence(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A silence to write. With an `id`, that one is changed; other matchers or another start make a new one of it."""

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    id: str = ""


class _Written(msgspec.Struct, frozen=True):
    silenceID: str  # noqa: N815 - the API's name


class Alertmanager:
    """One Alertmanager. Each peer of a cluster is asked by itself: they differ when it matters.

    Every question raises AlertmanagerError when nobody answers, or refuses, or what answers is no Alertmanager.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        access: Access | None = None,
        *,
        wait: tenacity.wait.wait_base = BACK_OFF,
    ) -> None:
        self._session = session
        self.url = url.rstrip("/")
        self._access = access or Access()
        self._trusted: ssl.SSLContext | None = None
        self._retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(ApiUnavailable),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=wait,
            reraise=True,
        )

    async def status(self) -> Status:
        """Who answers, and since when."""
        return await self._get("/api/v2/status", Status)

    async def receivers(self) -> list[str]:
        """The names of the receivers in alertmanager.yml."""
        return [one.name for one in await self._get("/api/v2/receivers", list[Named])]

    async def alerts(self) -> list[GettableAlert]:
        """Every alert that fires, the suppressed ones too."""
        return await self._get("/api/v2/alerts", list[GettableAlert])

    async def visit_alerts(self, visit: Callable[[GettableAlert], None]) -> None:
        """Shows every alert that fires, in a thread and one at a time: many are never in memory at once."""
        body: bytes = await self._retrying.copy()(self._ask, "/api/v2/alerts")
        await asyncio.to_thread(_visit, self.url, body, visit)

    async def silences(self) -> list[GettableSilence]:
        """Every silence that is kept, those that have expired too."""
        return await self._get("/api/v2/silences", list[GettableSilence])

    async def write_silence(self, silence: PostableSilence) -> str:
        """Writes a silence and gives its id. Once: an answer that got lost leaves open whether it was written."""
        content = msgspec.json.encode(silence)
        return _decode(self.url, await self._ask("/api/v2/silences", "POST", content), _Written).silenceID

    async def end_silence(self, silence: str) -> None:
        """Ends a silence now; one that has ended stays so."""
        await self._retrying.copy()(self._ask, f"/api/v2/silence/{quote(silence, safe='')}", "DELETE")

    async def _get(self, path: str, kind: type[T]) -> T:
        body: bytes = await self._retrying.copy()(self._ask, path)
        if len(body) < LARGE_BYTES:
            return _decode(self.url, body, kind)
        return await asyncio.to_thread(_decode, self.url, body, kind)

    async def _ask(self, path: str, method: str = "GET", content: bytes | None = None) -> bytes:
        access = self._access
        timeout = aiohttp.ClientTimeout(total=access.timeout_seconds)
        try:
            if access.ca_file is not None and self._trusted is None:
                self._trusted = await asyncio.to_thread(trust, access.ca_file)
            async with self._session.request(
                method,
                self.url + path,
                data=content,
                headers=access.headers() | ({"Content-Type": "application/json"} if content is not None else {}),
                timeout=timeout,
                ssl=self._trusted or True,
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
                _judge(self.url, answer.status, body)
                return body
        except TimeoutError as error:
            raise NoAnswer(f"{self.url} does not answer within {access.timeout_seconds:g} s") from error
        except aiohttp.ClientError as error:
            raise NoAnswer(f"{self.url} cannot be reached: {error or type(error).__name__}") from error


async def from_each(peers: Iterable[P], ask: Callable[[P], Awaitable[T]]) -> Sequence[T | TocsinError]:
    """What each peer answers, or why it does not; one after the other, because answers can be large."""
    answers: list[T | TocsinError] = []
    for peer in peers:
        try:
            answers.append(await ask(peer))
        except TocsinError as error:
            answers.append(error)
    return answers


def trust(ca_file: Path) -> ssl.SSLContext:
    """What a file of certificates vouches for.

    Raises:
        TocsinError: there are none in it.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise TocsinError(f"{ca_file}: holds no certificates that can be read: {error}") from error


def _judge(url: str, status: int, body: bytes) -> None:
    if status in (401, 403):
        raise Refused(f"{url} does not let us in (HTTP {status})")
    if status == 429 or status >= 500:
        raise NoAnswer(f"{url} answered HTTP {status} with {_glance(body)}")
    if status in (400, 422):
        raise Refused(f"{url} does not take what it was sent (HTTP {status}): {_glance(body)}")
    if status == 404:
        raise Refused(f"{url} has no API v2 there (HTTP 404); is it the address of an Alertmanager?")
    if status != 200:
        raise NotAlertmanager(f"{url} answered HTTP {status} with {_glance(body)}")


def _visit(url: str, body: bytes, visit: Callable[[GettableAlert], None]) -> None:
    for one in _decode(url, body, list[msgspec.Raw]):
        visit(_decode(url, bytes(one), GettableAlert))


def _decode(url: str, body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotAlertmanager(f"{url} answered with {_glance(body)} instead of Alertmanager's JSON: {error}") from error


def _glance(body: bytes) -> str:
    """What stands in a body that should not have come."""
    text = " ".join(body[:200].decode("utf-8", "replace").split())
    return repr(text[:60]) if text else "nothing"
