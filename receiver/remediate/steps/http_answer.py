"""What an answer to a step of kind http means. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yarl import URL

from receiver.engine.run_events import StepOutcome

NOT_DONE = frozenset((301, 307, 308))  # the far side points elsewhere, and has done nothing


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and so much of the body as was read; `whole`: all of it."""

    status: int
    body: str
    whole: bool = True


def judged(
    answer: Answer, method: str, expect: Sequence[str], expect_json: Mapping[str, Any]
) -> tuple[StepOutcome, str]:
    """What it means for the step, and why."""
    if not any(_within(answer.status, span) for span in expect):
        return _unexpected(answer.status, method)
    if not expect_json:
        return "succeeded", f"HTTP {answer.status}"
    if not answer.whole:
        return "unknown", f"HTTP {answer.status}, and the answer did not come whole: what it says is not known"
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return "unknown", f"HTTP {answer.status}, and the answer is no JSON: what it says is not known"
    for path, wanted in expect_json.items():
        found = _at(told, path)
        if found != wanted or isinstance(found, bool) is not isinstance(wanted, bool):
            return "failed", f"HTTP {answer.status}, but {path} is {_short(found)} instead of {_short(wanted)}"
    return "succeeded", f"HTTP {answer.status}, and it says what it should"


def onward(url: URL, method: str, status: int, location: str) -> URL | None:
    """Where an answer points, if that is on the same host and asks for the same; None: it is the last one."""
    if status not in (301, 302, 303, 307, 308) or (method != "GET" and status not in (307, 308)) or not location:
        return None
    try:
        target = url.join(URL(location))
    except ValueError:
        return None
    same = (target.scheme, target.host, target.port) == (url.scheme, url.host, url.port)
    return target.with_fragment(None) if same and not target.user and not target.password else None


def _unexpected(status: int, method: str) -> tuple[StepOutcome, str]:
    said = f"HTTP {status}"
    if status in NOT_DONE or (status < 400 and status >= 300 and method == "GET"):
        return "failed", f"{said}: it points elsewhere, which is not followed"
    if status < 400:
        return "unknown", f"{said}, which is not what was expected: it may have been done"
    if status < 500:
        return "failed", f"{said}: the far side refused"
    return "unknown", f"{said}: the far side failed, and how far it came is not known"


def _within(status: int, span: str) -> bool:
    first, _, last = span.partition("-")
    return int(first) <= status <= int(last or first)


def _at(told: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(told, dict):
            told = told.get(step)
        elif isinstance(told, list) and step.isdecimal() and int(step) < len(told):
            told = told[int(step)]
        else:
            return None
    return told


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
