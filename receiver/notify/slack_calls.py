"""Calls of Slack's Web API by slack-sdk over a session that a channel keeps: what its answers mean."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp

from receiver.notify.channel import ChannelRefused, ChannelUnavailable
from receiver.notify.posting import WORTH_A_RETRY, blotted
from receiver.notify.session import KeptSession

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError
    from slack_sdk.web.async_client import AsyncWebClient

MAX_ANSWER_BYTES = 1024 * 1024

# Errors that pass by themselves; every other one is final. Source: docs.slack.dev/reference/methods/chat.postMessage.
AGAIN = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "service_unavailable",
        "internal_error",
        "fatal_error",
        "request_timeout",
        "team_added_to_org",
        "org_login_required",
        "external_channel_migrating",
    }
)
# What a person can do about the others.
WAYS_OUT = {
    "channel_not_found": "check the id, and invite the app to a private channel: /invite @NAME",
    "not_in_channel": "invite the app: /invite @NAME",
    "is_archived": "the channel is archived; name another",
    "restricted_action": "the channel's posting permissions keep the app out",
    "invalid_auth": "bot_token_file holds no token that counts; copy it anew from the app's page",
    "not_authed": "bot_token_file holds no token that counts; copy it anew from the app's page",
    "account_inactive": "the app was removed; install it again and renew bot_token_file",
    "token_revoked": "install the app again and renew bot_token_file",
    "token_expired": "renew bot_token_file, or switch token rotation off for the app",
    "missing_scope": "add the scope under OAuth & Permissions and install the app again",
    "user_not_found": "check users.NAME.contacts.slack",
    "cannot_dm_bot": "users.NAME.contacts.slack is a bot's; name a person's",
    "messages_tab_disabled": "switch on the Messages Tab under App Home",
    "access_denied": "the workspace's settings keep the app out",
}


class SlackRefused(ChannelRefused):
    """Slack says no; `code` is its own word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SlackCalls:
    """Calls with one session, made at the first and closed with the channel."""

    def __init__(self, api_url: str, timeout: timedelta) -> None:
        self._api_url = api_url
        self._session = KeptSession(timeout, _guarded)

    async def call(self, token: str, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What a method of the Web API that changes something answers.

        Raises:
            ChannelUnavailable: not now; perhaps it has been done all the same.
            SlackRefused: Slack says no.
        """
        return await self._called(token, method, json=arguments)

    async def ask(self, token: str, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What a method that only reads answers; these take no JSON.

        Raises:
            ChannelUnavailable: not now.
            SlackRefused: Slack says no.
        """
        return await self._called(token, method, http_verb="GET", params=arguments)

    async def _called(self, token: str, method: str, **how: Any) -> dict[str, Any]:
        from slack_sdk.errors import SlackApiError, SlackClientError

        try:
            with self._session.under_way():
                answer = await self.client(token).api_call(method, **how)
            return answer.data if isinstance(answer.data, dict) else {}
        except SlackApiError as error:
            raise _verdict(method, error) from error
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise ChannelUnavailable(f"{method}: {blotted(said, token)}") from error

    async def answer(self, response_url: str, content: dict[str, Any]) -> None:
        """Answers a click at the address that came with it.

        Raises:
            ChannelUnavailable: it could not be answered.
        """
        from slack_sdk.webhook.async_client import AsyncWebhookClient

        session = self._session.opened()
        client = AsyncWebhookClient(response_url, session=session, retry_handlers=[], logger=sdk_log())
        try:
            with self._session.under_way():
                answer = await client.send_dict(content)
            if answer.status_code != 200:
                raise ChannelUnavailable(f"response_url answered {answer.status_code}")
        except (aiohttp.ClientError, ChannelRefused, TimeoutError, OSError, ValueError) as error:
            raise ChannelUnavailable(f"response_url: {type(error).__name__}") from error

    def client(self, token: str) -> AsyncWebClient:
        """slack-sdk's client over our session. It tries nothing again: the outbox does."""
        from slack_sdk.web.async_client import AsyncWebClient

        session = self._session.opened()
        return AsyncWebClient(token or None, self._api_url, session=session, retry_handlers=[], logger=sdk_log())

    async def close(self) -> None:
        """Closes the session once what is being sent has been answered."""
        await self._session.close()


def sdk_log() -> logging.Logger:
    """The library's log, silent: what goes wrong is told by us, once, and bodies stand in no log."""
    quiet = logging.getLogger("tocsin.slack_sdk")
    quiet.setLevel(logging.CRITICAL)
    quiet.disabled = True
    return quiet


async def _guarded(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Follows no redirect and takes no endless answer; slack-sdk would do both."""
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise SlackRefused("redirect", f"answered {response.status}: a redirect, which is not followed; check api_url")
    if (response.content_length or 0) > MAX_ANSWER_BYTES:
        response.close()
        raise ChannelUnavailable(f"answered with more than {MAX_ANSWER_BYTES:,} bytes")
    return response


def _verdict(method: str, error: SlackApiError) -> ChannelUnavailable | SlackRefused:
    """Whether an answer that is no success may be asked for again. Slack names its errors in answers of status 200."""
    response: Any = error.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    data = getattr(response, "data", None)
    code = str(data.get("error") or "")[:100] if isinstance(data, dict) else ""
    wait = str((getattr(response, "headers", None) or {}).get("Retry-After", ""))
    after = float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 7 else None
    if status in WORTH_A_RETRY or status >= 500 or code in AGAIN or (status == 200 and not code):
        return ChannelUnavailable(f"{method}: {blotted(code or f'answered {status}')}", after)
    needed = f" ({data['needed']})" if code == "missing_scope" and isinstance(data, dict) and "needed" in data else ""
    hint = WAYS_OUT.get(code, "")
    said = f"{method}: {code or f'answered {status}'}{needed}"
    return SlackRefused(code, f"{blotted(said)}; {hint}" if hint else blotted(said))
