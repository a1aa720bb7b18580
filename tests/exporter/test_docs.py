"""The exporter's reference and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.config import ExporterConfig, PrometheusSettings, QuerySettings, RuleSettings, ThresholdSettings
from exporter.metrics import Metrics
from exporter.rendering import FAMILIES
from exporter.rules.parsing import REASONS
from tocsin import duration
from tocsin.clock import SystemClock
from tocsin.config import Settings
from tocsin.reload import Reloader

PAGE = (Path(__file__).parents[2] / "docs/reference/exporter.md").read_text(encoding="utf-8")
MODELS: dict[str, type[Settings]] = {
    "Settings": ExporterConfig,
    "`prometheus`": PrometheusSettings,
    "`queries[]`": QuerySettings,
    "`queries[].thresholds[]`": ThresholdSettings,
    "`rules`": RuleSettings,
}


@pytest.mark.parametrize("heading", MODELS)
def test_every_setting_is_documented(heading: str) -> None:
    """Each section of the reference lists exactly the settings that the code knows, with their defaults."""
    section = re.split(r"\n##+ ", PAGE.split(f"## {heading}\n")[1])[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section, re.MULTILINE))
    fields = MODELS[heading].model_fields
    assert set(documented) == set(fields)
    for name, field in fields.items():
        default = field.default
        if field.is_required():
            assert documented[name] == "required"
        elif default is None:
            assert documented[name] == "none"
        elif isinstance(default, int | str):
            assert documented[name] == f"`{str(default).lower() if isinstance(default, bool) else default}`"
        elif isinstance(default, float):
            assert float(documented[name].strip("`")) == default
        elif isinstance(default, tuple):
            assert documented[name] == f"`[{', '.join(map(duration.show, default))}]`"
        else:
            assert duration.parse(documented[name].strip("`")) == default


def test_every_reason_is_documented() -> None:
    """Why a rule is not forecast stands in the reference, each reason in its own line."""
    section = re.split(r"\n##+ ", PAGE.split("### Which rules\n")[1])[0]
    assert set(re.findall(r"^\| `(\w+)` \| ", section, re.MULTILINE)) == set(REASONS)


async def _ignore(config: None) -> None:
    """Takes nothing over."""


def test_every_metric_is_documented() -> None:
    """Each metric's name stands in the reference."""
    registry = Metrics().registry
    Reloader(lambda: None, _ignore, registry=registry, clock=SystemClock())
    own = {family.name for family in registry.collect()}
    documented = set(re.findall(r"^\| `(tocsin_\w+?)(?:_total)?(?:\{[^`]*\})?` \|", PAGE, re.MULTILINE))
    assert documented == own | set(FAMILIES)
