"""An escalation survives the death of its process at any write, and two processes that race for it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.receiver.escalation.whole import When, Whole

STORY = [
    (0, "opened", ""),
    (0, "alerts_joined", ""),
    (0, "escalated", "slack/bob,sms/bob"),
    (0, "message_sent", "page/0/slack/bob"),
    (5, "message_sent", "page/0/sms/bob"),
    (10, "escalated", "sms/carol"),
    (10, "message_sent", "page/1/sms/carol"),
    (17, "escalation_began", ""),
    (17, "escalated", "slack/bob,sms/bob"),
    (17, "message_sent", "page/0/slack/bob/1"),
    (22, "message_sent", "page/0/sms/bob/1"),
    (24, "acknowledged", ""),
    (30, "handed_over", ""),
    (30, "message_sent", "handover/13/sms/carol/1"),
    (32, "sla_warned", ""),
    *((32, "message_sent", f"sla/resolve/warned/{where}/1") for where in ("slack/bob", "sms/bob", "sms/carol")),
    (40, "sla_broken", ""),
    *((40, "message_sent", f"sla/resolve/broken/{where}/1") for where in ("slack/bob", "sms/bob", "sms/carol")),
    (50, "alerts_resolved", ""),
    (50, "resolved", ""),
    *((50, "message_sent", f"resolved/{where}/1") for where in ("slack/bob", "sms/bob", "sms/carol")),
]
SENT = Counter(what for _, kind, what in STORY if kind == "message_sent")
COMMITS = 42  # of that story
EVERY = 6  # of them one in so many dies here; EVERY = 1 takes some minutes


async def test_undisturbed(tmp_path: Path) -> None:
    """Pages, the next step, another round, an answer, a hand-over, the SLA and the end, each when it is due."""
    whole = Whole(tmp_path)
    assert sorted(await whole.play()) == sorted(STORY)
    assert whole.sent == SENT
    assert whole.commits == COMMITS


@pytest.mark.slow(seconds=4)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("commit", range(2, COMMITS, EVERY))
async def test_death_at_a_write(tmp_path: Path, commit: int, when: When) -> None:
    """Whatever write a process dies at, the story is the same to the minute: no step is skipped, none taken twice.

    A message goes out again only if its process died before it could record it.
    """
    whole = Whole(tmp_path, dies_at=commit, when=when)
    assert sorted(await whole.play()) == sorted(STORY)
    assert whole.commits > COMMITS or when == "after"
    assert whole.sent >= SENT, "a message was lost"
    again = whole.sent - SENT
    assert set(again.values()) <= {1}
    assert len({key.split("/")[0] for key in again}) <= 1, "more went out again than was under way"


@pytest.mark.slow(seconds=10)
async def test_two_processes(tmp_path: Path, postgres_url: str) -> None:
    """Two processes that work on everything at the same moment make the same story, and send each message once."""
    whole = Whole(tmp_path, url=postgres_url)
    assert sorted(await whole.play()) == sorted(STORY)
    assert whole.sent == SENT


@pytest.mark.slow(seconds=10)
@pytest.mark.parametrize("commit", [8, 25])
async def test_two_processes_of_which_one_dies(tmp_path: Path, postgres_url: str, commit: int) -> None:
    """The same when both die in the middle of a write of one of them, and begin again."""
    whole = Whole(tmp_path, url=postgres_url, dies_at=commit)
    told = await whole.play()
    assert sorted(told) == sorted(STORY)
    assert whole.sent >= SENT
