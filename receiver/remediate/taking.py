"""What a runbook takes from an alert: values that fit their patterns, and a target that it may work on."""

from __future__ import annotations

from collections.abc import Mapping

from receiver.engine.occurrence import Occurrence
from receiver.remediate.runbook import Runbook
from receiver.remediate.settings import Scalar
from receiver.remediate.values import Unfit, Values, names_in, split_at_values

MOST_CHARACTERS = 1_000  # of a value: longer names exist nowhere, and a plan is kept for ever


def taken_from(runbook: Runbook, occurrence: Occurrence) -> dict[str, str]:
    """The values that a runbook takes from an alert, each checked.

    Raises:
        Unfit: one is missing, or not such as it must be.
    """
    taken = {}
    for name, value in runbook.settings.values.items():
        labelled = value.label is not None
        source = occurrence.labels if labelled else occurrence.annotations
        where = f"{'label' if labelled else 'annotation'} {value.label or value.annotation}"
        taken[name] = _checked(runbook, name, where, source.get(value.label or value.annotation or "", ""))
    return taken


def _checked(runbook: Runbook, name: str, where: str, text: str) -> str:
    """What was taken, if it may be put in somewhere; a message never shows more of it than its beginning."""
    if not text:
        raise Unfit(f"$({name}): the alert has no {where}")
    if len(text) > MOST_CHARACTERS:
        raise Unfit(f"$({name}): the {where} is longer than {MOST_CHARACTERS:,} characters")
    if not text.isprintable():
        raise Unfit(f"$({name}): the {where} is {_shown(text)}, with characters that nobody sees")
    if not runbook.patterns[name].matches({name: text}):
        raise Unfit(f"$({name}): the {where} is {_shown(text)}, which is not {runbook.settings.values[name].pattern}")
    return text


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:59] + "…")


def target_of(runbook: Runbook, values: Values) -> str:
    """The target's name.

    Raises:
        Unfit: a value holds what stands between two values, so that the name could mean another target.
    """
    template = runbook.settings.target.is_
    for between in separators(template):
        for name in sorted(names_in(template)):
            if between in values.values.get(name, ""):
                shown = _shown(values.values[name])
                raise Unfit(f"$({name}) is {shown}: with {between!r} in it, {template} could mean another target")
    return values.fill(template)


def separators(template: str) -> list[str]:
    """The texts that stand between values in the name of a target; one is empty where two values touch."""
    return split_at_values(template)[1:-1]


def allowed(runbook: Runbook, target: str) -> None:
    """Whether it may be worked on.

    Raises:
        Unfit: it does not stand in the allow-list; the message tells where that is.
    """
    allow, key = runbook.settings.target, f"remediation.runbooks.{runbook.name}.allow"
    if not allow.allow and not allow.allow_matching:
        raise Unfit(f"the runbook may work on nothing yet: name its targets in {key}: [{target}]")
    if not runbook.allows(target):
        raise Unfit(f"the target {_shown(target)} is not among those that the runbook may work on; see {key}")


def all_values(runbook: Runbook, taken: Mapping[str, str]) -> Values:
    """What was taken, and the parameters."""
    return Values({**{name: as_text(value) for name, value in runbook.settings.params.items()}, **taken})


def as_text(value: Scalar) -> str:
    """A parameter as it is written in a file: `true`, `3`, `0.5`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)
