"""A process that dies at any write of a run, or in the midst of a step: nothing is done twice, nothing is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.receiver.remediate.dying import Dying, When

IN_VAIN = [
    "run_proposed",
    "run_approved",
    "run_started",
    "run_step_began 1",
    "run_step_ended 1",
    "run_step_began 2",
    "run_step_ended 2",
    "run_verified",
    "run_step_began 2 undo",
    "run_step_ended 2 undo",
    "run_step_began 1 undo",
    "run_step_ended 1 undo",
    "run_ended",
]
ALL = ["one", "two", "untwo", "unone"]
COMMITS = 49  # of that story
EVERY = 7  # of them one in so many dies here; EVERY = 1 takes a minute

# Where nobody knows whether a step was done: what was done in all, and how the run ends.
IN_STEP_ONE, IN_STEP_TWO = ("run_step_began 1", "run_step_ended 1"), ("run_step_began 2", "run_step_ended 2")
UNDOING_TWO = ("run_step_began 2 undo", "run_step_ended 2 undo")
UNDOING_ONE = ("run_step_began 1 undo", "run_step_ended 1 undo")
DOUBT: dict[tuple[str, When], tuple[Sequence[str], str]] = {
    (IN_STEP_ONE[0], "after"): (["unone"], "rolled_back"),  # it was not done, and nobody knows: what undoes it is
    (IN_STEP_ONE[1], "before"): (["one", "unone"], "rolled_back"),
    (IN_STEP_TWO[0], "after"): (["one", "untwo", "unone"], "rolled_back"),
    (IN_STEP_TWO[1], "before"): (ALL, "rolled_back"),
    (UNDOING_TWO[0], "after"): (["one", "two"], "unknown"),
    (UNDOING_TWO[1], "before"): (["one", "two", "untwo"], "unknown"),
    (UNDOING_ONE[0], "after"): (["one", "two", "untwo"], "unknown"),
    (UNDOING_ONE[1], "before"): (ALL, "unknown"),
}
STEPS = {"one": IN_STEP_ONE, "two": IN_STEP_TWO, "untwo": UNDOING_TWO, "unone": UNDOING_ONE}
KILLED_IN = [(step, when) for step in STEPS for when in ("before", "after")]


async def followed(dying: Dying, done: Sequence[str], outcome: str) -> None:
    """The story comes to its end: approved, started and ended once, and each step begun at most once."""
    try:
        await dying.play()
        story, run = await dying.story(), await dying.heals.run()
        assert (dying.heals.hand.did, run.outcome) == (done, outcome), story
        assert len(story) == len(set(story)), story
        assert [what for what in IN_VAIN if what in story] == story
        assert {"run_approved", "run_started", "run_verified", "run_ended"} <= set(story)
    finally:
        await dying.close()


async def test_undisturbed(tmp_path: Path) -> None:
    """Two say yes to one plan, it is done in vain, and taken back in reverse order."""
    dying = Dying(tmp_path)
    await followed(dying, ALL, "rolled_back")
    assert dying.commits == COMMITS


@pytest.mark.slow(seconds=3)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", IN_VAIN)
async def test_death_at_a_word(tmp_path: Path, what: str, when: When) -> None:
    """Whatever it wrote of the run, or was about to: a step of which nobody knows whether it was done is not repeated.

    What was begun counts as done when it is taken back; a rollback in doubt is left to people.
    """
    done, outcome = DOUBT.get((what, when), (ALL, "rolled_back"))
    await followed(Dying(tmp_path, what, when), done, outcome)


@pytest.mark.slow(seconds=3)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("commit", range(2, COMMITS, EVERY))
async def test_death_at_a_write(tmp_path: Path, commit: int, when: When) -> None:
    """Whatever else is written, claims of jobs and waits among it: the same with one step in doubt at most."""
    dying = Dying(tmp_path, commit, when)
    try:
        await dying.play()
        did, run, story = dying.heals.hand.did, await dying.heals.run(), await dying.story()
        assert len(story) == len(set(story)), story
        assert (did, run.outcome) in [(ALL, "rolled_back"), *((list(done), end) for done, end in DOUBT.values())]
    finally:
        await dying.close()


@pytest.mark.slow(seconds=3)
@pytest.mark.parametrize(("step", "when"), KILLED_IN)
async def test_death_in_a_step(tmp_path: Path, step: str, when: When) -> None:
    """It died with the step in its hands: as if it had died at the word before it, or at the one after it."""
    began, ended = STEPS[step]
    done, outcome = DOUBT[(began, "after") if when == "before" else (ended, "before")]
    await followed(Dying(tmp_path, when=when, in_step=step), done, outcome)


@pytest.mark.slow(seconds=3)
@pytest.mark.parametrize(("what", "when"), [(IN_STEP_ONE[0], "after"), (IN_STEP_TWO[1], "before")])
async def test_in_doubt_and_it_helped(tmp_path: Path, what: str, when: When) -> None:
    """A step in doubt is verified: where all is well, the run has succeeded, and what followed that step is left."""
    dying = Dying(tmp_path, what, when, helps=True)
    try:
        await dying.play()
        assert (await dying.heals.run()).outcome == "succeeded"
        assert dying.heals.hand.did == ([] if when == "after" else ["one", "two"])
    finally:
        await dying.close()


@pytest.mark.slow(seconds=3)
@pytest.mark.parametrize(("what", "when"), [*DOUBT, ("run_approved", "before"), ("run_started", "after")])
async def test_on_postgresql(tmp_path: Path, postgres_url: str, what: str, when: When) -> None:
    """The same where others share the store, once the claim of the dead one has lapsed."""
    done, outcome = DOUBT.get((what, when), (ALL, "rolled_back"))
    await followed(Dying(tmp_path, what, when, url=postgres_url), done, outcome)
