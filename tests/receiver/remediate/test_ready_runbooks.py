"""The runbooks that ship: careful as they come, and what each would do about the alert that it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.engine.runs_planned import RunPlan
from receiver.remediate.checks import check
from receiver.remediate.files import read
from receiver.remediate.planning import planned
from receiver.remediate.values import Unfit
from tests.receiver.remediate.cases import CASES, NAMES, PROGRAMS, about, plan, ready
from tests.receiver.remediate.shipped import FILES, FOLDER

DO_HARM = {"fail-over-to-read-replica": 2, "block-address": 1}  # how many people must agree


HOSTILE = (
    '"} or vector(1)', "-x", "--help", "$(reboot)", "`reboot`", "a\nb", "a\0b", "a b", "../../etc", "$(namespace)",
    "{{ lookup('pipe', 'reboot') }}", "ѕhop", "a;b", "a/b", "a%2Fb", "'", "x" * 1_000_000, "", " ",
)  # fmt: skip


def test_each_is_told_of_here() -> None:
    """No runbook ships that has no case here."""
    assert sorted(CASES) == NAMES
    assert sorted(read(["builtin:*"], Path(), {})[0]) == NAMES


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_nothing_is_wrong_with_it(file: Path) -> None:
    """What `tocsin runbooks check` looks for without a configuration is not there."""
    assert [problem for problem in check([file], None) if problem.severity != "info"] == []


@pytest.mark.parametrize("name", NAMES)
def test_careful_as_it_comes(name: str) -> None:
    """It does nothing, to nothing, until somebody says so; it is guarded, limited, verified, and says when it harms."""
    settings = ready(name).settings
    assert settings.metadata.name == name
    assert settings.mode == "dry-run"
    assert (settings.target.allow, settings.target.allow_matching) == ((), ())
    assert settings.guards
    assert settings.verify is not None
    assert settings.limits.per_target.most <= 2
    assert settings.limits.per_runbook.most <= 10
    assert settings.limits.cool_down.total_seconds() >= 60
    assert {"helps", "harms"} <= set(settings.metadata.doc.split())
    assert (settings.approval.count if settings.approval else 0) == DO_HARM.get(name, 0)
    assert not (settings.approval and settings.hold_page), "no page waits for an approval"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_allowed_unasked(name: str) -> None:
    """As it comes it refuses its own alert, and names the setting that would allow it."""
    runbook = ready(name)
    assert runbook.fits(CASES[name].labels, "")
    with pytest.raises(Unfit, match=rf"remediation\.runbooks\.{name}\.allow"):
        planned(runbook, about(CASES[name].labels))


@pytest.mark.parametrize("name", NAMES)
def test_what_it_would_do(name: str) -> None:
    """For its alert it plans exactly this, on this target, with what takes it back."""
    case, found = CASES[name], plan(name)
    assert found.target == case.target
    assert len(found.steps) == len(case.does)
    for step, does in zip(found.steps, case.does, strict=True):
        assert step.action.does.startswith(does)
    [step] = found.steps
    assert (step.rollback.does if step.rollback else "").startswith(case.back)
    assert bool(case.back) == bool(step.rollback)
    assert not found.dry_run


TAKEN = [(name, value.label) for name in NAMES for value in ready(name).settings.values.values()]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
@pytest.mark.parametrize(("name", "label"), TAKEN)
def test_hostile_labels(name: str, label: str, text: str) -> None:
    """Whoever chooses the labels of an alert gets nothing done, even where every target is allowed."""
    runbook = ready(name, allow=(), allow_matching=(r"(?s).*",), mode="apply")
    with pytest.raises(Unfit):
        planned(runbook, about({**CASES[name].labels, label: text}))


def test_another_target() -> None:
    """An alert about something else than what is allowed is refused."""
    with pytest.raises(Unfit, match="not among those"):
        plan("restart-crash-looping-deployment", "shop/checkout", deployment="payments")


def test_the_folder_holds_nothing_else() -> None:
    """Runbooks, and the scripts that they start."""
    others = {file.name for file in FOLDER.iterdir()} - {file.name for file in FILES}
    assert others == {"scripts"}
    programs = {text for name in NAMES for text in _programs(plan(name))}
    assert programs == {f"{PROGRAMS}/{script.name}" for script in (FOLDER / "scripts").iterdir()}


def _programs(found: RunPlan) -> list[str]:
    return [step.action.arguments["command"][0] for step in found.steps if step.action.kind == "exec"]
