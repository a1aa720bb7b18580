"""What `tocsin exporter rules` shows: each rule, what is read for it, or why it is not forecast."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.config import ExporterConfig
from exporter.rules.alertrule import AlertRule
from exporter.rules.book import read
from exporter.rules.derive import Derived, derive
from exporter.servers import Servers
from tocsin import duration
from tocsin.config import load
from tocsin.errors import TocsinError
from tocsin.problem import Problem


@dataclass(frozen=True, slots=True)
class Listed:
    """The rules of a configuration, and what could not be read."""

    derived: Derived
    problems: list[Problem]

    def as_json(self) -> dict[str, Any]:
        """`{"rules": [{"group", "rule", "severity", "expr", "for", "values", "reason", "message"}]}`.

        A rule that is forecast has values (`expr`, `condition`) and no reason.
        """
        rows = [
            _row(rule) | {"values": [{"expr": part.expr, "condition": str(part.condition)} for part in parts]}
            for rule, parts in self.derived.simulated
        ]
        rows += [_row(left.rule) | {"reason": left.reason, "message": left.why} for left in self.derived.left_out]
        return {"rules": rows}

    def as_text(self) -> str:
        """A line for each rule, those that are forecast first."""
        return "\n".join(map(_line, self.as_json()["rules"])) or "there are no alert rules"


def _row(rule: AlertRule) -> dict[str, Any]:
    named = {"group": rule.group, "rule": rule.name, "severity": rule.severity, "expr": rule.expr}
    return named | {"for": duration.show(rule.hold), "values": [], "reason": "", "message": ""}


def _line(row: dict[str, Any]) -> str:
    severity = f" ({row['severity']})" if row["severity"] else ""
    what = "; ".join(f"{' '.join(part['expr'].split())} {part['condition']}" for part in row["values"])
    told = f"not forecast: {row['message']} ({row['reason']})" if row["reason"] else f"{what}, for {row['for']}"
    return f"{row['group']}/{row['rule']}{severity}: {told}"


async def of_config(file: Path) -> Listed:
    """The rules that a configuration asks for.

    Raises:
        InputError: the configuration cannot be used.
        TocsinError: it asks for no rules, or the rules API does not answer.
    """
    config = load(file, ExporterConfig)
    if config.rules is None:
        raise TocsinError(f"{file}: asks for no alert rules: add `rules: {{}}` for those that Prometheus evaluates")
    async with AsyncExitStack() as stack:
        rules, problems = await read(config.rules, Servers(stack).asked(config.prometheus))
    return Listed(derive(rules, config.rules), problems)
