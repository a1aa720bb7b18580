"""The templates by their key in a rulepack. A new one is a module, this line, a test and a page in docs/."""

from __future__ import annotations

from collections.abc import Mapping

from generator.template import Template
from generator.templates.absence import Absence
from generator.templates.anomaly import Anomaly
from generator.templates.comparison import Comparison
from generator.templates.composite import Composite
from generator.templates.forecast import Forecast
from generator.templates.heartbeat import Heartbeat
from generator.templates.promql import Promql
from generator.templates.quantile import Quantile
from generator.templates.range import Range
from generator.templates.rate_of_change import RateOfChange
from generator.templates.ratio import Ratio
from generator.templates.saturation import Saturation
from generator.templates.threshold import Threshold

TEMPLATES: Mapping[str, type[Template]] = {
    "absence": Absence,
    "anomaly": Anomaly,
    "comparison": Comparison,
    "composite": Composite,
    "forecast": Forecast,
    "heartbeat": Heartbeat,
    "promql": Promql,
    "quantile": Quantile,
    "range": Range,
    "rate_of_change": RateOfChange,
    "ratio": Ratio,
    "saturation": Saturation,
    "threshold": Threshold,
}
