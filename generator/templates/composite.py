"""`composite`: several conditions hold together, or so many of them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, model_validator

from generator.facts import fact, label_name, number_where, refuse
from generator.fields import Number
from generator.template import Plan, Recording, Template
from generator.templates.absence import Absence
from generator.templates.anomaly import Anomaly
from generator.templates.comparison import Comparison
from generator.templates.forecast import Forecast
from generator.templates.promql import Promql
from generator.templates.quantile import Quantile
from generator.templates.range import Range
from generator.templates.rate_of_change import RateOfChange
from generator.templates.ratio import Ratio
from generator.templates.saturation import Saturation
from generator.templates.threshold import Threshold
from tocsin import promql
from tocsin.config import Settings
from tocsin.promql import Expression, Term

CHECK = "composite"
LABEL = "tocsin_condition"  # tells conditions apart while they are counted

AtLeast = Annotated[
    Number,
    number_where(
        CHECK, lambda value: value >= 1 and value == int(value), "is no number of conditions", "write 1, 2, 3 …"
    ),
]
LabelName = Annotated[str, label_name(CHECK)]


class Condition(Settings):
    """Exactly one template, as an alert has it; a text is PromQL."""

    absence: Absence | None = None
    anomaly: Anomaly | None = None
    comparison: Comparison | None = None
    forecast: Forecast | None = None
    promql: Promql | None = None
    quantile: Quantile | None = None
    range: Range | None = None
    rate_of_change: RateOfChange | None = None
    ratio: Ratio | None = None
    saturation: Saturation | None = None
    threshold: Threshold | None = None

    @property
    def template(self) -> Template:
        [key] = self.model_fields_set
        found: Template = getattr(self, key)
        return found

    @model_validator(mode="after")
    def _one_template(self) -> Self:
        given = [key for key in type(self).model_fields if getattr(self, key) is not None]
        if len(given) != 1 or len(self.model_fields_set) != 1:
            what = f"has {' and '.join(given)}" if given else "has no template"
            refuse(CHECK, what, f"write PromQL, or exactly one of {', '.join(type(self).model_fields)}")
        return self


def _condition(value: Any) -> Any:
    return {"promql": {"expr": value}} if isinstance(value, str) else value


Conditions = tuple[Annotated[Condition, BeforeValidator(_condition)], ...]


class Composite(Template):
    """`all` of the conditions hold, `any`, or `at_least` so many of those in `of`; and none of `unless`.

    A condition is PromQL that compares something, or any other template but heartbeat. Conditions belong together
    where all their labels are the same, or those in `by`.
    """

    example: ClassVar[str] = """\
- alert: CheckoutFailsUnderLoad
  composite:
    all:
      - ratio:
          errors: sum by (job) (rate(http_requests_total{code=~"5.."}[5m]))
          total: sum by (job) (rate(http_requests_total[5m]))
          above: 0.05
          minimum: 1
      - quantile: {histogram: http_request_duration_seconds, by: [job], above: 2}
    unless:
      - maintenance_active == 1
    by: [job]
  for: 5m
  severity: critical
  summary: '{{ $labels.job }} is slow and fails {{ $value | humanizePercentage }} of requests'
  runbook: https://example.org/runbooks/checkout
"""

    all: Conditions = fact((), doc="conditions that must all hold; the alert has the first one's value")
    any: Conditions = fact((), doc="conditions of which one must hold; the alert has the value of the first that does")
    of: Conditions = fact((), doc="conditions that are counted; the alert's value is how many hold")
    at_least: AtLeast | None = fact(None, doc="how many conditions of `of` must hold")
    unless: Conditions = fact((), doc="conditions of which none may hold")
    by: tuple[LabelName, ...] | None = fact(
        None, doc="the labels by which conditions belong together; [] if they are about one thing. Default: all"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [key for key in ("all", "any", "of") if getattr(self, key)]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "has no conditions"
            refuse(CHECK, what, "give exactly one of all, any, of (with at_least)")
        if bool(self.of) != (self.at_least is not None):
            what, hint = ("of", "at_least: 2") if self.of else ("at_least", "of: […]")
            refuse(CHECK, f"{what} stands alone", f"add {hint}")
        if self.at_least is not None and self.at_least > len(self.of):
            most = f"of has {len(self.of)}: write at most that, or add conditions"
            refuse(CHECK, f"{promql.number(self.at_least)} conditions can never hold", most)
        return self

    def plan(self, prefix: str) -> Plan:
        recordings: list[Recording] = []
        conditions = {key: self._plans(key, prefix, recordings) for key in ("all", "any", "of", "unless")}
        if conditions["of"]:
            held = self._counted(conditions["of"])
        else:
            held = self._joined("and" if conditions["all"] else "or", conditions["all"] or conditions["any"])
        for condition in conditions["unless"]:
            held = self._join(held, "unless", condition.term)
        return Plan(held.parsed(), tuple(recordings))

    def _plans(self, key: str, prefix: str, recordings: list[Recording]) -> list[Expression]:
        """The conditions as expressions; what they record is called after the alert and their place."""
        found = []
        for place, condition in enumerate(getattr(self, key), start=1):
            plan = condition.template.plan(f"{prefix}:{key}_{place}")
            recordings += plan.recordings
            found.append(plan.expr)
        return found

    def _joined(self, operator: str, conditions: list[Expression]) -> Term:
        held = conditions[0].term
        for condition in conditions[1:]:
            held = self._join(held, operator, condition.term)
        return held

    def _join(self, left: Term, operator: str, right: Term) -> Term:
        return promql.binary(left, operator, right, on=self.by)

    def _counted(self, conditions: list[Expression]) -> Term:
        """How many conditions hold for each set of labels, where they are enough."""
        group = "group without ()" if self.by is None else f"group by ({', '.join(self.by)})"
        marked = [
            promql.parse(f'label_replace({group} ({condition.text}), "{LABEL}", "{place}", "", "")')
            for place, condition in enumerate(conditions, start=1)
        ]
        together = marked[0].term
        for condition in marked[1:]:
            together = promql.binary(together, "or", condition.term)
        count = promql.parse(f"count without ({LABEL}) ({together.text})")
        assert self.at_least is not None  # given with of
        return promql.binary(count.term, ">=", promql.literal(self.at_least))
