"""The packs that ship, compiled once, and the folders that belong to them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from generator.pipeline import Compiled, compile_packs
from generator.rule import Rule
from generator.targets import rulefile

ROOT = Path(__file__).resolve().parents[2]
PACKS = ROOT / "rulepacks"
PAGES = ROOT / "docs/runbooks"
NAMES = (
    "audio", "blackbox-certificates", "business", "capacity", "http", "jvm", "kafka", "kubernetes", "ml", "mysql",
    "node", "postgresql", "prometheus-stack", "rabbitmq", "redis", "security", "slo",
)  # fmt: skip


@cache
def compiled() -> Compiled:
    """All of them, as rule files."""
    return compile_packs([PACKS], rulefile.render)


def alerts() -> list[tuple[str, Rule]]:
    """Each alert with the name of its pack."""
    return [(pack.name, rule) for pack in compiled().packs for rule in pack.rules if rule.kind == "alert"]


def named(rule: Rule) -> str:
    """What the pack calls it: an alert's own name, or that of the SLO it watches over."""
    return rule.labels.get("tocsin_slo", rule.name)
