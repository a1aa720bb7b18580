"""Escalation policies and routes as they stand in files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from receiver.engine.plan import Escalation, EscalationStep
from receiver.engine.routing import Hours, Policy, Route
from receiver.engine.targets import Target
from receiver.people.settings import Name
from tocsin.config import Duration, OneOrMore, Settings
from tocsin.labels import MatcherTexts, parse_all
from tocsin.model import Severity


def _as_text(value: Any) -> Any:
    """`{team: payments, choose: least_loaded}` says what `team:payments least_loaded` says."""
    if not isinstance(value, Mapping):
        return value
    kinds = [kind for kind in ("channel", "user", "team", "schedule", "skill") if kind in value]
    if not kinds or (len(kinds) > 1 and kinds != ["team", "skill"]) or set(value) - {*kinds, "choose"}:
        raise PydanticCustomError(
            "target", "names nobody", {"hint": "write {schedule: NAME}, or {team: NAME, choose: least_loaded}"}
        )
    kind = kinds[0]
    skill = f" skill={value['skill']}" if kind == "team" and "skill" in value else ""
    choose = f" {value['choose']}" if "choose" in value else ""
    return f"{'' if kind == 'channel' else kind + ':'}{value[kind]}{skill}{choose}"


def _target(text: str) -> str:
    try:
        return str(Target.parse(text))
    except ValueError as error:
        hint = "channels: slack-ops; people: user:alice, team:payments, schedule:payments, skill:postgres"
        raise PydanticCustomError("target", "{error}", {"error": str(error), "hint": hint}) from error


TargetText = Annotated[str, BeforeValidator(_as_text), AfterValidator(_target)]


class StepSettings(Settings):
    """So long after the step before (the opening, for the first), tell these."""

    after: Duration = Field(timedelta(), description="How long after the step before.")
    notify: OneOrMore[TargetText] = Field(
        description="Channels and people: `slack-ops`, `schedule:payments`, `team:ops`."
    )
    raise_severity: Severity | None = Field(None, description="From here on the incident is at least as bad.")

    def step(self) -> EscalationStep:
        return EscalationStep(self.after, self.notify, self.raise_severity)


class RepeatSettings(Settings):
    """After the last step, from the beginning."""

    times: int = Field(ge=0, le=100, description="How often.")
    after: Duration = Field(timedelta(minutes=10), description="How long after the last step.")


class EscalationSettings(Settings):
    """Who is told, in turn, until somebody acknowledges or the incident resolves."""

    steps: OneOrMore[StepSettings] = Field(description="One after the other.")
    repeat: RepeatSettings | None = Field(None, description="What comes after the last step; none: nothing.")
    hand_over: bool = Field(True, description="Who comes on duty is told of what is not over.")
    silence_on: tuple[Literal["acknowledge", "snooze"], ...] = Field(
        (), description="What writes a silence to Alertmanager, for as long as it holds."
    )

    @model_validator(mode="after")
    def _repeats_take_time(self) -> Self:
        if self.repeat and self.repeat.times and self.repeat.after < timedelta(minutes=1):
            raise ValueError("repeat.after must be a minute or more: people need the time to answer")
        return self

    def escalation(self, name: str = "") -> Escalation:
        """As the engine wants it."""
        repeat = self.repeat or RepeatSettings(times=0)
        return Escalation(
            policy=name,
            steps=tuple(step.step() for step in self.steps),
            repeat=repeat.times,
            repeat_after=repeat.after,
            hand_over=self.hand_over,
            silence=self.silence_on,
        )


class PolicySettings(EscalationSettings):
    """An escalation with a name, and what takes its place at other hours."""

    hours: Name | None = Field(None, description="One of `business_hours`: when it counts.")
    outside: Name | None = Field(None, description="The policy that takes its place at all other times.")

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.hours is None) != (self.outside is None):
            raise ValueError("hours and outside belong together")
        return self

    def policy(self, name: str, hours: Mapping[str, Hours]) -> Policy:
        return Policy(self.escalation(name), hours.get(self.hours or ""), self.outside or "")


class RouteSettings(Settings):
    """Incidents whose first alert matches go to this policy."""

    matchers: MatcherTexts = Field(description="Alertmanager's matchers on the labels of the alert that opens it.")
    policy: Name | None = Field(None, description="The escalation policy; none: that of the route around it.")
    routes: tuple[RouteSettings, ...] = Field(
        (), description="Looked at within this one; the first that matches counts."
    )

    def route(self) -> Route:
        return Route(self.policy or "", parse_all(self.matchers), tuple(inner.route() for inner in self.routes))


class RoutesSettings(Settings):
    """The tree of routes. Its root is the default one: what matches nowhere goes there, and what reaches nobody."""

    policy: Name = Field(description="The default route's policy.")
    routes: tuple[RouteSettings, ...] = Field((), description="The first that matches counts.")

    def root(self) -> Route:
        return Route(self.policy, (), tuple(inner.route() for inner in self.routes))
