"""What the generator's template `forecast` asks for is what the exporter publishes."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from promql_parser import VectorSelector

from exporter.labelling import prefixes
from exporter.publishing.forecasts import label
from exporter.publishing.samples import Samples
from exporter.rendering import FAMILIES, lines
from exporter.rules.alertrule import AlertRule
from generator.templates.forecast import Forecast
from tocsin import promql

RULE = AlertRule("ShopBusy", "shop", "shop > 5", severity="critical")


@pytest.mark.parametrize("horizon", ["5m", "1h", "90m", "1d", "36h", "7d"])
@pytest.mark.parametrize(
    "facts",
    [
        {"rule": "ShopBusy"},
        *({"query": "q", "threshold": "full", "bound": bound} for bound in ("expected", "lower", "upper")),
        *({"query": "q", "above": 5, "bound": bound} for bound in ("expected", "lower", "upper")),
    ],
)
def test_the_template_finds_what_is_published(facts: dict[str, object], horizon: str) -> None:
    """Metric, labels and the horizon's spelling are the same on both sides."""
    expr = Forecast.model_validate({"horizon": horizon, **facts}).plan("x").expr
    (selector,) = promql.parse(expr.text).of(VectorSelector)
    assert promql.metric(selector) in FAMILIES
    wanted = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
    ahead = timedelta(minutes=int(horizon[:-1]) * {"m": 1, "h": 60, "d": 1440}[horizon[-1]])
    published = {"query": "q", "horizon": label(ahead), "threshold": "full", **(RULE.labels if "rule" in facts else {})}
    assert wanted.items() <= published.items()


def test_labels_of_a_rule() -> None:
    """A rule without severity is published without that label; names are escaped."""
    rule = AlertRule('Odd "name"', "a\\b", "x > 1")
    line = lines(Samples("f", np.ones(1), rule.labels), prefixes([()], "q"), np.ones(1, bool))
    assert line == b'f{query="q",rule="Odd \\"name\\"",rule_group="a\\\\b"} 1.0\n'
