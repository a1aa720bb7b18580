"""What the API answers about runbooks and their runs, as types: `run_shapes.py` makes them. Fields may be added."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict  # pydantic reads these before Python 3.12

from receiver.engine.run import RunState
from receiver.engine.run_events import RunOutcome, StepOutcome
from receiver.web.answers import Id, Time

State = Annotated[str, WithJsonSchema({"enum": [state.value for state in RunState]})]
Outcome = Annotated[str, WithJsonSchema({"enum": list(get_args(RunOutcome))})]
HowItWent = Annotated[str, WithJsonSchema({"enum": list(get_args(StepOutcome))})]
Long = Annotated[str, Field(examples=["15m"])]


class TermsJson(TypedDict):
    """Who must agree: `count` people, of `role` (null: whoever may approve), within `expires`."""

    role: str | None
    count: int
    expires: Long


class ConditionJson(TypedDict):
    """A question to Prometheus; `bounds` says in words what its one value must be."""

    name: str
    expr: str
    bounds: str


class GuardJson(ConditionJson):
    """A condition as it is now; `reason` tells why it does not hold, `answered` whether Prometheus said anything."""

    holds: bool
    value: float | None
    reason: str
    answered: bool


class VerificationJson(TypedDict):
    """How it is known that it helped: all conditions hold for `lasting`, before `within` has passed."""

    conditions: list[ConditionJson]
    within: Long
    every: Long
    lasting: Long


class ActionJson(TypedDict):
    """One thing that is done: `does` says it in words; `arguments` are what its kind needs, without secrets."""

    name: str
    kind: str
    does: str
    timeout: Long
    arguments: dict[str, Any]


class PlannedStepJson(ActionJson):
    """A step, and what takes it back."""

    rollback: ActionJson | None


class StepWordsJson(TypedDict):
    """A step of a runbook, before any alert gives it its values."""

    name: str
    kind: str
    does: str
    rollback: str | None


class TargetsJson(TypedDict):
    """What is worked on: only what stands in `allow` or fits `allow_matching`.

    Both are null for whoever may not see every tenant that the runbook is for.
    """

    pattern: str
    allow: list[str] | None
    allow_matching: list[str] | None


class RunbookJson(TypedDict):
    """A runbook as it is in force: its file with what the configuration changes. `limits` are sentences."""

    name: str
    owner: str
    doc: str
    where: str
    hash: str
    matchers: list[str]
    tenants: list[str]
    mode: Literal["dry-run", "apply"]
    automatic: bool
    while_acknowledged: bool
    hold_page: Long
    targets: TargetsJson
    approval: TermsJson | None
    limits: list[str]
    guards: list[ConditionJson]
    steps: list[StepWordsJson]
    verification: VerificationJson | None


class AlertNamedJson(TypedDict):
    """An alert, by id and name."""

    id: str
    name: str


class PlanJson(TypedDict):
    """What a run does, down to the last argument; `plan_hash` is of exactly this."""

    plan_hash: str
    dry_run: bool
    alert: AlertNamedJson
    values: dict[str, str]
    steps: list[PlannedStepJson]
    approval: TermsJson | None
    verification: VerificationJson | None


class PossibleJson(TypedDict):
    """What a runbook would do about an incident now. `refusal` is what stands against it, `plan` null if it is unfit.

    An approval that it needs is no refusal. `runs` are its runs on this target that are not over.
    """

    runbook: str
    doc: str
    automatic: bool
    mode: Literal["dry-run", "apply"]
    target: str | None
    refusal: str | None
    needs_approval: bool
    alert: AlertNamedJson
    plan: PlanJson | None
    guards: list[GuardJson]
    limits: list[str]
    runs: list[str]


class RunJson(TypedDict):
    """A run of a runbook. `by` is null where its own matchers asked for it."""

    id: Id
    incident: Id
    tenant: str
    runbook: str
    target: str
    state: State
    outcome: Outcome | None
    reason: str
    dry_run: bool
    by: str | None
    plan_hash: str
    proposed_at: Time | None
    expires_at: Time | None
    started_at: Time | None
    ended_at: Time | None


class ChangedRunJson(RunJson):
    """A run after something was asked of it; `message` says in words what came of it."""

    changed: bool
    message: str


class AwaitingRunJson(RunJson):
    """A run that waits for approval, with the plan that an approval is about."""

    title: str
    approved_by: list[str]
    plan: PlanJson


class SaidJson(TypedDict):
    """What somebody said to a run."""

    by: str
    at: Time | None
    via: str
    reason: str


class ObservedJson(TypedDict):
    """What a condition's expression gave at a time."""

    name: str
    expr: str
    holds: bool
    value: float | None
    reason: str
    answered: bool


class GuardValuesJson(TypedDict):
    """A guard's expression before the first step and after the last one; null: it was not asked."""

    name: str
    expr: str
    before: ObservedJson | None
    after: ObservedJson | None


class StepTakenJson(TypedDict):
    """One thing that was done. `outcome` null: it has begun and not ended; `before` is how things were."""

    step: int
    undo: bool
    name: str
    kind: str
    does: str
    worker: str
    before: dict[str, str]
    began_at: Time | None
    ended_at: Time | None
    outcome: HowItWent | None
    output: str
    reason: str
    seconds: float


class VerifiedJson(TypedDict):
    """Whether it helped, and what the conditions gave then."""

    at: Time | None
    helped: bool
    reason: str
    observed: list[ObservedJson]


class RunStoryJson(RunJson):
    """The whole record of a run, read from its incident's events: who, what, with which inputs, and what came of it."""

    plan: PlanJson
    requested_because: str
    asked: list[str]
    approvals: list[SaidJson]
    rejection: SaidJson | None
    ended_by: str | None
    guards: list[GuardValuesJson]
    taken: list[StepTakenJson]
    verified: VerifiedJson | None


class StopJson(TypedDict):
    """A time in which nothing was allowed to begin."""

    at: Time | None
    by: str
    reason: str
    started_at: Time | None
    started_by: str | None


class SwitchJson(TypedDict):
    """Whether all remediation is stopped, by whom and why; `stops` are the newest first."""

    stopped: bool
    by: str | None
    reason: str | None
    since: Time | None
    stops: list[StopJson]


class SwitchedJson(SwitchJson):
    """The switch after somebody used it; `changed`: it was not so before."""

    changed: bool
