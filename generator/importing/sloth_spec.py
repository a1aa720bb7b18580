"""What may stand in a specification of sloth; either spelling of a key is taken, `error_query` and `errorQuery`.

Source: slok/sloth, pkg/prometheus/api/v1 and pkg/kubernetes/api/sloth/v1.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AliasChoices, Field, model_validator
from pydantic.alias_generators import to_camel

from generator.fields import Number
from generator.importing.spec import Part, refused
from generator.schema import Text, Value
from generator.slo.query import PLACEHOLDER, Query, WindowedPromQL
from tocsin import promql
from tocsin.config import Duration

NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.]*[A-Za-z0-9]")


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise refused(
            f"{name!r} is no name", "use letters, digits, '-', '_' and '.', with a letter or digit at each end"
        )
    return name


def _objective(percent: float) -> float:
    if not 0 < percent < 100:
        shown = promql.number(percent)
        raise refused(f"an objective of {shown} % leaves no budget to watch", "write 99.9, say: below 100 and above 0")
    return percent


def _query(query: Query) -> Query:
    if not query.windowed:
        raise refused("the query has no place for the window", "write [{{.window}}] in the place of its range")
    if "{{" in PLACEHOLDER.sub("", query.text):
        hint = "write out what the template would: only {{.window}} is filled in"
        raise refused("the query has a template beside {{.window}}", hint)
    return query


WindowQuery = Annotated[WindowedPromQL, AfterValidator(_query)]
Name = Annotated[Text, AfterValidator(_name)]
Labels = dict[str, Value]


def _either(name: str) -> AliasChoices:
    return AliasChoices(name, to_camel(name))


class Events(Part):
    """Bad events among all."""

    error_query: WindowQuery = Field(validation_alias=_either("error_query"))
    total_query: WindowQuery = Field(validation_alias=_either("total_query"))

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.error_query == self.total_query:
            raise refused("the queries of errors and of all are the same", "let the first select the bad ones alone")
        return self


class Raw(Part):
    """The bad share itself."""

    error_ratio_query: WindowQuery = Field(validation_alias=_either("error_ratio_query"))


class Sli(Part):
    """What is measured."""

    events: Events | None = None
    raw: Raw | None = None
    plugin: Any = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [key for key in ("events", "raw", "plugin") if getattr(self, key) is not None]
        if given == ["plugin"]:
            hint = (
                "write the queries that it makes, as `sloth generate` prints them: sli: {raw: {error_ratio_query: …}}"
            )
            raise refused("a plugin is a program of sloth's: what it measures cannot be read", hint)
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "does not say what is measured"
            raise refused(what, "give one: events, with error_query and total_query, or raw, with error_ratio_query")
        return self


class Alert(Part):
    """Either of the two alerts; `for` counts where sloth's plugin alert_for is in use."""

    disable: bool = False
    hold: Duration | None = Field(None, alias="for")
    labels: Labels = Field(default_factory=dict)
    annotations: Labels = Field(default_factory=dict)


class Alerting(Part):
    """How it alerts."""

    name: Text | None = None
    labels: Labels = Field(default_factory=dict)
    annotations: Labels = Field(default_factory=dict)
    page_alert: Alert = Field(default_factory=Alert, validation_alias=_either("page_alert"))
    ticket_alert: Alert = Field(default_factory=Alert, validation_alias=_either("ticket_alert"))

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.name is None and not (self.page_alert.disable and self.ticket_alert.disable):
            raise refused("the alerts have no name", "add name: …, or disable both of them")
        return self


class Plugin(Part):
    """A plugin of sloth's that changes the rules."""

    id: Text
    config: Any = None
    priority: int = 0


class Plugins(Part):
    """The plugins that come after sloth's own, or in their place."""

    override_previous: bool = Field(False, validation_alias=_either("override_previous"))
    chain: list[Plugin] = Field(default_factory=list)


class Interval(Part):
    """How often each group of rules is evaluated."""

    all: Duration | None = None
    slierror: Duration | None = Field(None, validation_alias=AliasChoices("slierror", "sliError"))
    metadata: Duration | None = None
    alert: Duration | None = None
    default: Duration | None = None  # as the plugin calls `all`


class Slo(Part):
    """One objective."""

    name: Name
    objective: Annotated[Number, AfterValidator(_objective)]
    description: Text | None = None
    labels: Labels = Field(default_factory=dict)
    info_labels: Labels = Field(default_factory=dict, validation_alias=_either("info_labels"))
    sli: Sli
    alerting: Alerting
    interval: Interval = Field(default_factory=Interval)
    plugins: Plugins = Field(default_factory=Plugins)


class Service(Part):
    """A service's objectives, which are looked at one by one, so that one bad one hides no other."""

    service: Name
    labels: Labels = Field(default_factory=dict)
    slos: list[Any] = Field(min_length=1)
    slo_plugins: Plugins = Field(default_factory=Plugins, validation_alias=_either("slo_plugins"))
