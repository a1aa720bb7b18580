"""Text for Slack's mrkdwn: what comes from outside is shown, and is never markup, a mention or a link.

Source: docs.slack.dev/messaging/formatting-message-text, docs.slack.dev/reference/block-kit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from receiver.engine.occurrence import one_line
from receiver.notify.weblink import web_link

Block = dict[str, Any]

MOST_TEXT = 3_000  # characters of a text object
MOST_HEADER = 150
MOST_OUTSIDE = 200
CUT_ESCAPE = re.compile(r"&[a-z]*$")


def escaped(text: str) -> str:
    """The three characters by which Slack's markup begins and ends, as text; then `<!channel>` is no mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def outside(text: str, limit: int = MOST_OUTSIDE) -> str:
    """What somebody else wrote, on one line, bounded, escaped."""
    return escaped(one_line(text, limit))


def stamp(at: datetime) -> str:
    """A moment, which Slack shows in each reader's own time zone; UTC where it cannot."""
    moment = at.astimezone(UTC)
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time_secs}}|{moment:%Y-%m-%d %H:%M:%S} UTC>"


def link(url: str, words: str = "") -> str:
    """A link; without words it shows where it leads. An address that is none is shown as text."""
    safe = web_link(url)
    if not safe:
        return outside(url)
    return f"<{escaped(safe)}|{words}>" if words else f"<{escaped(safe)}>"


def mrkdwn(text: str) -> Block:
    """A text object. `verbatim`: Slack makes no links and mentions of what merely looks like one."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text)}


def context(text: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text)]}


def fitting(lines: Iterable[str], more: Callable[[int], str], limit: int = MOST_TEXT) -> str:
    """As many whole lines as fit, so that no markup is cut in two, and how many are left out."""
    rest = list(lines)
    kept: list[str] = []
    room = limit - len(more(len(rest))) - 1
    while rest and len(rest[0]) + 1 <= room:
        room -= len(rest[0]) + 1
        kept.append(rest.pop(0))
    return "\n".join([*kept, *([more(len(rest))] if rest else [])])


def whole(lines: Iterable[str], limit: int = MOST_TEXT) -> list[str]:
    """Every line, in as many texts as it takes: nothing is left out of what people are asked to agree with.

    A line that is longer than a text may be is cut, never within an escape.
    """
    texts: list[str] = []
    for line in lines:
        fits = line if len(line) <= limit else CUT_ESCAPE.sub("", line[: limit - 1]) + "…"
        if texts and len(texts[-1]) + 1 + len(fits) <= limit:
            texts[-1] += f"\n{fits}"
        else:
            texts.append(fits)
    return texts
