"""The templates by their key in a rulepack. A new one is a module, this line, a test and a page in docs/."""

from __future__ import annotations

from collections.abc import Mapping

from generator.template import Template
from generator.templates.absence import Absence
from generator.templates.anomaly import Anomaly
from generator.templates.heartbeat import Heartbeat
from generator.templates.promql import Promql
from generator.templates.ratio import Ratio
from generator.templates.threshold import Threshold

TEMPLATES: Mapping[str, type[Template]] = {
    "absence": Absence,
    "anomaly": Anomaly,
    "heartbeat": Heartbeat,
    "promql": Promql,
    "ratio": Ratio,
    "threshold": Threshold,
}
