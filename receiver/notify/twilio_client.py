"""Twilio's own library over our own session: one try, no redirects, errors told apart. Imported when first used.

Source: twilio.com/docs/api/errors.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Awaitable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from twilio.base.exceptions import TwilioException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from receiver.notify.channel import ChannelUnavailable
from receiver.notify.posting import Answer, Poster, blotted, judge

log = logging.getLogger("twilio.async_http_client")  # the library's own; nothing is written to it here

API = "https://api.twilio.com"
WORTH_A_RETRY = {
    14107,  # SMS rate limit
    20429,  # too many requests
    20500,  # internal error
    20503,  # service unavailable
    21611,  # this number's queue of outgoing messages is full
    30001,  # queue overflow
    30022,  # the carrier's rate limit
}


class Wire(AsyncHttpClient):  # type: ignore[misc]  # twilio has no types
    """What carries the library's requests; `accepted` once Twilio has taken one."""

    def __init__(self, poster: Poster, url: str, token: str, now: datetime) -> None:
        super().__init__(log, is_async=True)
        self._poster = poster
        self._url = url
        self._token = token
        self._now = now
        self.accepted = False

    async def request(  # the library's own shape
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: tuple[str, str] | None = None,
        timeout: Any = None,  # noqa: ASYNC109
        allow_redirects: bool = False,
    ) -> Response:
        where = self._url + url.removeprefix(API)
        who = b64encode(":".join(auth or ()).encode()).decode()
        body = urlencode(data, doseq=True).encode()
        answer = await self._poster.post(where, body, {**headers, "Authorization": f"Basic {who}"})
        code, said = _error(answer, self._token)
        if code in WORTH_A_RETRY and answer.status < 500:
            raise ChannelUnavailable(said)
        judge(answer, self._now, said)
        self.accepted = True
        return Response(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)


class Account:
    """One request to Twilio, for somebody's account."""

    def __init__(self, poster: Poster, url: str, account: str, token: str, now: datetime) -> None:
        self._wire = Wire(poster, url, token, now)
        self._client = Client(account, token, http_client=self._wire)

    async def message(self, **wanted: Any) -> str:
        """Sends a text message; its SID."""
        return await self._sid(self._client.messages.create_async(**wanted))

    async def call(self, **wanted: Any) -> str:
        """Calls somebody; the call's SID."""
        return await self._sid(self._client.calls.create_async(**wanted))

    async def _sid(self, created: Awaitable[Any]) -> str:
        try:
            return str((await created).sid or "")
        except (TwilioException, ValueError, KeyError, TypeError, AttributeError):
            if self._wire.accepted:  # Twilio has taken it, only its answer cannot be read
                return ""
            raise


def _error(answer: Answer, token: str) -> tuple[int, str]:
    """Twilio's code for what is wrong, and what it says."""
    if answer.status < 300:
        return 0, ""
    try:
        said = msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return 0, ""
    code = said.get("code")
    number = code if isinstance(code, int) else 0
    return number, blotted(f"error {number}: {said.get('message', '')}" if number else "", token)
