"""Runbooks as they stand in files in Git: a YAML document each, `kind: Runbook`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from receiver.escalation.settings import TargetText
from receiver.people.settings import Name
from receiver.remediate.kinds import OneStep
from receiver.remediate.values import NAME
from tocsin.config import Duration, OneOrMore, Settings
from tocsin.labels import Matcher, MatcherTexts
from tocsin.promconfig import Second

SAFE = "[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}"  # no blank, no quote, nothing that a program takes for an option
MOST_STEPS = 20

LONGEST_WITHIN = timedelta(days=31)  # the list of runs is kept for at least as long
ValueName = Annotated[str, StringConstraints(pattern=rf"^{NAME}$")]
Scalar = str | int | float | bool


def _pattern(text: str) -> str:
    try:
        Matcher("pattern", "=~", text)
    except ValueError as error:
        hint = "write it as RE2 wants it; it must fit the whole text"
        raise PydanticCustomError("pattern", "{error}", {"error": str(error), "hint": hint}) from error
    return text


def _not_long(hold: timedelta) -> timedelta:
    if hold > timedelta(minutes=15):
        raise PydanticCustomError("hold", "a page cannot be held back for longer than 15m", {"hint": "write 2m"})
    return hold


Pattern = Annotated[str, AfterValidator(_pattern)]
HoldPage = Annotated[Duration, AfterValidator(_not_long)]


class MetadataSettings(Settings):
    """Whose it is and what it is for."""

    name: Name = Field(description="Its name.")
    owner: str = Field("", description="Who looks after it.")
    doc: str = Field("", description="What it does, when it helps and when not; people read it before they approve.")


class ValueSettings(Settings):
    """A value taken from the alert; one that does not fit the pattern as a whole refuses the run."""

    label: str | None = Field(None, description="The label of the alert that it is taken from.")
    annotation: str | None = Field(None, description="Or the annotation.")
    pattern: Pattern = Field(SAFE, description="What it must be, as a whole (RE2).")

    @model_validator(mode="after")
    def _from_somewhere(self) -> Self:
        if (self.label is None) is (self.annotation is None):
            raise ValueError("say where it comes from: label or annotation, one of them")
        return self


class FleetSettings(Settings):
    """What the target is one of many of."""

    name: str = Field(description="What they are called together; may name values: `$(namespace)/web`.")
    share: float = Field(gt=0, le=1, description="The share of it that may be worked on within a time: 0.1 is a tenth.")
    size: int | None = Field(None, ge=1, description="How many there are.")
    expr: str | None = Field(None, description='Or an expression that tells: `count(up{job="web"})`.')
    where: dict[str, str] = Field({}, description="Matchers that each selector of the expression gets.")
    within: Second = Field(timedelta(hours=1), description="The time.")

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if (self.size is None) is (self.expr is None):
            raise ValueError("say how many there are: size or expr, one of them")
        return self


class TargetSettings(Settings):
    """What is worked on. Nothing is, unless it stands in `allow` or fits one of `allow_matching`."""

    is_: str = Field(alias="is", description="Its name, of values: `$(namespace)/$(deployment)`.")
    allow: tuple[str, ...] = Field((), description="The targets, by name.")
    allow_matching: tuple[Pattern, ...] = Field((), description="Patterns (RE2) that a target fits as a whole.")
    fleet: FleetSettings | None = Field(None, description="What it is one of many of.")


class ConditionSettings(Settings):
    """An expression that must give one value within the bounds; without a bound, one value at all."""

    name: str = Field("", max_length=100, description="What people call it; default: the expression.")
    expr: str = Field(description="PromQL; values are put in by `where`, never into the text.")
    where: dict[str, str] = Field(
        {}, description="Matchers that every selector of it gets: `{namespace: $(namespace)}`."
    )
    above: float | None = Field(None, description="More than this.")
    below: float | None = Field(None, description="Less than this.")
    at_least: float | None = Field(None, description="This or more.")
    at_most: float | None = Field(None, description="This or less.")
    equals: float | None = Field(None, description="Exactly this.")


class VerifySettings(Settings):
    """How it is known that it helped."""

    conditions: OneOrMore[ConditionSettings] = Field(description="All of these hold …")
    lasting: Duration = Field(timedelta(), description="… for so long …")
    within: Duration = Field(timedelta(minutes=5), description="… before so much time has passed since the last step.")
    every: Second = Field(timedelta(seconds=15), description="How often they are asked.")

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if max(self.lasting, self.every) >= self.within:
            raise ValueError("lasting and every must be shorter than within: else nothing is ever verified")
        return self


class ApprovalSettings(Settings):
    """Whom it must be allowed by."""

    role: Name | None = Field(None, description="The role that they must have; none: whoever may approve.")
    count: int = Field(1, ge=1, le=5, description="How many of them; whoever asked for it does not suffice alone.")
    expires: Second = Field(timedelta(minutes=30), description="How long it is waited for.")
    notify: tuple[TargetText, ...] = Field((), description="Who is asked; default: everybody with the role.")


class RateSettings(Settings):
    """At most so many within a time."""

    most: int = Field(ge=0, description="How many.")
    within: Second = Field(timedelta(hours=1), le=LONGEST_WITHIN, description="Within what time.")


class LimitsSettings(Settings):
    """How much may happen. A run counts from its start, whatever becomes of it; a dry run does not count."""

    per_target: RateSettings = Field(RateSettings(most=1, within=timedelta(hours=1)), description="For one target.")
    per_runbook: RateSettings = Field(
        RateSettings(most=5, within=timedelta(hours=1)), description="For this runbook, whichever the target."
    )
    at_once: int = Field(
        1, ge=1, description="How many runs of this runbook at the same time; of one target always one."
    )
    cool_down: Duration = Field(
        timedelta(minutes=15), description="After a run has ended, before the next one of any runbook on that target."
    )


class StepEntry(OneStep):
    """A step: exactly one kind with its settings, and what takes it back."""

    rollback: OneStep | None = Field(None, description="What takes it back, where that can be.")

    @model_validator(mode="after")
    def _goes_back(self) -> Self:
        if self.step.only_takes_back:
            hint = "write it under rollback: of the step that it takes back"
            raise PydanticCustomError("rollback", "this is a rollback, and no step of its own", {"hint": hint})
        if self.rollback and (why := self.rollback.step.unfit_to_take_back(self.step)):
            hint = "leave the rollback out, or write what does take it back"
            raise PydanticCustomError("rollback", "{why}", {"why": why, "hint": hint})
        return self


def _not_many(steps: tuple[StepEntry, ...]) -> tuple[StepEntry, ...]:
    if len(steps) > MOST_STEPS:
        said = {"most": MOST_STEPS, "hint": "put what belongs together into a program of its own"}
        raise PydanticCustomError("steps", "has more than {most} steps", said)
    return steps


class RunbookSettings(Settings):
    """A whole document."""

    api_version: Literal["tocsin/v1alpha1"] = Field(alias="apiVersion", description="`tocsin/v1alpha1`.")
    kind: Literal["Runbook"] = Field(description="`Runbook`.")
    metadata: MetadataSettings
    match: MatcherTexts = Field(description="The alerts that it is for.")
    tenants: tuple[str, ...] = Field((), description="The tenants that it is for; default: all.")
    params: dict[ValueName, Scalar] = Field({}, description="Values that do not come from alerts, with their defaults.")
    values: dict[ValueName, ValueSettings] = Field({}, description="Values from the alert.")
    target: TargetSettings
    mode: Literal["dry-run", "apply"] = Field("dry-run", description="Whether it is done, or only told what would be.")
    automatic: bool = Field(True, description="Whether alerts begin it; else only people do.")
    while_acknowledged: bool = Field(False, description="Whether it may begin though somebody has the incident.")
    fresh_within: Duration = Field(
        timedelta(hours=1), description="How old the newest alert of the incident may be when it begins."
    )
    hold_page: HoldPage = Field(
        timedelta(), description="How long the first page waits for it; none is held for a dry run or an approval."
    )
    by_hand: Duration = Field(timedelta(minutes=10), description="What a person would need for it; counts time saved.")
    guards: tuple[ConditionSettings, ...] = Field((), description="What must be so before each step.")
    approval: ApprovalSettings | None = Field(None, description="Who must agree before it begins.")
    limits: LimitsSettings = Field(LimitsSettings(), description="How much may happen.")
    steps: Annotated[OneOrMore[StepEntry], AfterValidator(_not_many)] = Field(description="What is done.")
    verify: VerifySettings | None = Field(None, description="How it is known that it helped.")


class OverrideSettings(Settings):
    """What a configuration says of a runbook that came from elsewhere: each field takes the runbook's place."""

    mode: Literal["dry-run", "apply"] | None = Field(None, description="As in the runbook.")
    automatic: bool | None = Field(None, description="As in the runbook.")
    allow: tuple[str, ...] | None = Field(None, description="As in `target`.")
    allow_matching: tuple[Pattern, ...] | None = Field(None, description="As in `target`.")
    tenants: tuple[str, ...] | None = Field(None, description="As in the runbook.")
    params: dict[ValueName, Scalar] = Field({}, description="As in the runbook; the others keep their defaults.")
    approval: ApprovalSettings | None = Field(None, description="What is otherwise of its approval, or a new one.")
    no_approval: bool = Field(False, description="Takes an approval away.")
    limits: LimitsSettings | None = Field(None, description="What is otherwise of its limits.")
    hold_page: HoldPage | None = Field(None, description="As in the runbook.")

    @model_validator(mode="after")
    def _one_word_on_approval(self) -> Self:
        if self.no_approval and self.approval is not None:
            raise ValueError("approval and no_approval contradict each other; keep one")
        return self
