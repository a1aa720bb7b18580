"""pdpyras, alone in a module: it blocks, retries by itself without an end, and announces its own deprecation.

Imported when a channel is first used. Here it tries once; when to try again is the outbox's to say.
"""

from __future__ import annotations

import warnings
from typing import Any

from requests import Response
from requests.structures import CaseInsensitiveDict

from receiver.notify.channel import ChannelUnavailable
from receiver.notify.posting import MAX_ANSWER_BYTES, Answer

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*pdpyras.*")
    from pdpyras import EventsAPISession, PDClientError


class Answered(Exception):
    """Any answer, raised from within pdpyras so that it does not wait and try again by itself."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.status))
        self.answer = answer


class Session(EventsAPISession):  # type: ignore[misc]  # pdpyras has no types
    """One try, no redirects, an answer of bounded size."""

    max_network_attempts = 0

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__("set with each event")
        self.url = url
        self.timeout = seconds
        self.retry: dict[int, int] = {}

    def submit(self, key: str, event: dict[str, Any]) -> Answer:
        """What PagerDuty answers to an event; one without an action is a change event.

        Raises:
            ChannelUnavailable: it could not be reached, or did not answer in time: perhaps it has taken the event.
        """
        self.api_key = key
        properties = {name: value for name, value in event.items() if name not in ("event_action", "dedup_key")}
        try:
            if "event_action" in event:
                self.send_event(event["event_action"], dedup_key=event["dedup_key"], **properties)
            else:
                self.post("/v2/change/enqueue", json=properties)
        except Answered as said:
            return said.answer
        except PDClientError as error:  # its text names the URL and no more; the cause tells what happened
            raise ChannelUnavailable(
                f"PagerDuty cannot be reached: {type(error.__cause__ or error).__name__}"
            ) from error
        raise AssertionError("every answer passes through `postprocess`")

    def request(self, method: str, url: str, **options: Any) -> Response:
        answer: Response = super().request(method, url, **options, allow_redirects=False)
        return answer

    def send(self, request: Any, **options: Any) -> Response:
        """Reads no more of an answer than its bound."""
        response: Response = super().send(request, **(options | {"stream": True}))
        whole = b""
        for chunk in response.iter_content(4096):
            whole += chunk
            if len(whole) >= MAX_ANSWER_BYTES:
                break
        response.close()
        response._content = whole[:MAX_ANSWER_BYTES]
        return response

    def postprocess(self, response: Response) -> None:
        headers = CaseInsensitiveDict(response.headers)
        raise Answered(Answer(response.status_code, headers, response.content))
