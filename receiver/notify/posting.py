"""One POST over a session that a channel keeps: no redirects, bounded answers, errors without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import aiohttp

from receiver.engine.occurrence import one_line
from receiver.notify.channel import ChannelRefused, ChannelUnavailable
from receiver.notify.retry_after import retry_after
from receiver.notify.session import KeptSession

WORTH_A_RETRY = {408, 425, 429}
MAX_ANSWER_BYTES = 64 * 1024
TOLD = 200  # characters of what a far side says, in our words about it


@dataclass(frozen=True, slots=True)
class Answer:
    """What a far side said; `body` is the beginning of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Poster:
    """Posts; the session is made at the first message and closed with the channel."""

    def __init__(self, timeout: timedelta) -> None:
        self._session = KeptSession(timeout)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], auth: tuple[str, str] | None = None
    ) -> Answer:
        """What the far side answers, whatever that is.

        Raises:
            ChannelUnavailable: it could not be reached, or did not answer in time: perhaps it has taken the message.
            ChannelRefused: the URL is none.
        """
        sign_in = None if auth is None else aiohttp.BasicAuth(*auth, encoding="utf-8")
        session = self._session.opened()
        try:
            with self._session.under_way():
                async with session.post(
                    url, data=body, headers=headers, auth=sign_in, allow_redirects=False
                ) as response:
                    said = await response.content.read(MAX_ANSWER_BYTES)
                    return Answer(response.status, response.headers, said)
        except aiohttp.InvalidURL as error:
            raise ChannelRefused("the URL cannot be used; see the channel's settings") from error
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ChannelUnavailable(blotted(_said(error), url)) from error

    async def close(self) -> None:
        """Closes the session once what is being sent has been answered."""
        await self._session.close()


def judge(answer: Answer, now: datetime, detail: str = "") -> None:
    """2xx is delivered, 5xx and a few others come again, everything else is final, redirects too.

    Raises:
        ChannelUnavailable: it may be tried again, after what `Retry-After` says.
        ChannelRefused: it may not.
    """
    if 200 <= answer.status < 300:
        return
    phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else ""
    said = one_line(" ".join(part for part in (f"answered {answer.status} {phrase}".rstrip(), detail) if part), TOLD)
    if answer.status >= 500 or answer.status in WORTH_A_RETRY:
        raise ChannelUnavailable(said, retry_after(answer.headers, now))
    raise ChannelRefused(said)


def blotted(text: str, *secrets: str) -> str:
    """The text on one line, without what must not be read."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return one_line(text, TOLD)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
