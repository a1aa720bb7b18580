"""What is said back to a telephone, in TwiML."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from aiohttp import web

from receiver.engine.occurrence import one_line
from receiver.notify.phone_words import VOICES
from receiver.web.answering import Outcome

LONGEST = 600  # characters


def worded(outcome: Outcome, action: str, speech: Mapping[str, str]) -> str:
    """What came of an answer, to say to whoever gave it."""
    match outcome.came:
        case "done":
            return speech[action].format(title=outcome.title)
        case "forbidden":
            return speech["refused"]
        case _:
            return speech["already"].format(why=outcome.said)


def written(text: str) -> web.Response:
    """As a text message; an empty text: nothing."""
    inner = f"<Message>{escape(one_line(text, LONGEST))}</Message>" if text else ""
    return _twiml(inner)


def spoken(text: str, language: str) -> web.Response:
    """By a voice."""
    return _twiml(f'<Say language="{VOICES.get(language, "en-US")}">{escape(one_line(text, LONGEST))}</Say>')


def _twiml(inner: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?><Response>{inner}</Response>'
    return web.Response(text=text, content_type="text/xml")
