"""The exporter's reference and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.config import (
    LAST_LETTERS,
    DaskSettings,
    ExporterConfig,
    FitSettings,
    GroupSettings,
    ModelSettings,
    PrometheusSettings,
    QuerySettings,
    RuleSettings,
    ShardSettings,
    ThresholdSettings,
)
from exporter.labelling import Prefixes
from exporter.metrics import Metrics
from exporter.reading import REASONS
from exporter.rendering import FAMILIES
from exporter.rules.parsing import REASONS as RULE_REASONS
from tocsin import duration
from tocsin.clock import SystemClock
from tocsin.config import Settings
from tocsin.promapi import QueryError
from tocsin.reload import Reloader
from tocsin.tls import Tls

PAGE = (Path(__file__).parents[2] / "docs/reference/exporter.md").read_text(encoding="utf-8")
MODELS: dict[str, type[Settings]] = {
    "Settings": ExporterConfig,
    "`prometheus`": PrometheusSettings,
    "`queries[]`": QuerySettings,
    "`queries[].thresholds[]`": ThresholdSettings,
    "`rules`": RuleSettings,
    "`queries[].shard_by`": ShardSettings,
    "`queries[].model`": ModelSettings,
    "`group`": GroupSettings,
    "`fits`": FitSettings,
    "`dask`": DaskSettings,
}


@pytest.mark.parametrize("heading", MODELS)
def test_every_setting_is_documented(heading: str) -> None:
    """Each section of the reference lists exactly the settings that the code knows, with their defaults."""
    section = re.split(r"\n##+ ", PAGE.split(f"## {heading}\n")[1])[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\|", section, re.MULTILINE))
    fields = MODELS[heading].model_fields
    assert set(documented) == set(fields)
    for name, field in fields.items():
        default = field.get_default(call_default_factory=True)
        if field.is_required():
            assert documented[name] == "required"
        elif default in ({}, Tls()):
            assert documented[name] == "`{}`"
        elif default is None or isinstance(default, Settings):
            assert documented[name] == ("see below" if default else "")
        elif isinstance(default, int | str):
            assert documented[name] == f"`{str(default).lower() if isinstance(default, bool) else default}`"
        elif isinstance(default, float):
            assert float(documented[name].strip("`")) == default
        elif default == ():
            assert documented[name] == "`[]`"
        elif default == LAST_LETTERS:
            assert documented[name] == "last letters"
        elif isinstance(default, tuple):
            assert documented[name] == f"`[{', '.join(map(duration.show, default))}]`"
        else:
            assert duration.parse(documented[name].strip("`")) == default


def test_every_reason_is_documented() -> None:
    """Each word that stands for a failure, or for series that are left out, is explained."""
    kinds = [QueryError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    reasons = {kind.reason for kind in kinds[1:]} | {"internal"}
    reasons |= {*REASONS, *Prefixes().left_out}
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in PAGE] == []


def test_every_reason_against_a_rule_is_documented() -> None:
    """Why a rule is not forecast stands in the reference, each reason in its own line."""
    section = re.split(r"\n##+ ", PAGE.split("### Which rules\n")[1])[0]
    assert set(re.findall(r"^\| `(\w+)` \| ", section, re.MULTILINE)) == set(RULE_REASONS)


async def _ignore(config: None) -> None:
    """Takes nothing over."""


def test_every_metric_is_documented() -> None:
    """Each metric's name stands in the reference."""
    registry = Metrics().registry
    Reloader(lambda: None, _ignore, registry=registry, clock=SystemClock())
    own = {family.name for family in registry.collect()}
    documented = set(re.findall(r"^\| `(tocsin_\w+?)(?:_total)?(?:\{[^`]*\})?` \|", PAGE, re.MULTILINE))
    assert documented == own | set(FAMILIES)
