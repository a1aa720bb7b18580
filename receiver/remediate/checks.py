"""What is wrong with runbooks beyond what stands in each: names that nobody has, values that come from nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from receiver.people.named import missing
from receiver.remediate.checks_people import approval_can_be_given
from receiver.remediate.checks_promql import expressions_parse, prometheus_is_configured
from receiver.remediate.checks_steps import steps_can_be_done
from receiver.remediate.checks_values import (
    target_is_allowed,
    target_is_told_apart,
    values_are_part_of_the_target,
    values_are_supplied,
    values_are_used,
)
from receiver.remediate.config import RemediationSettings
from receiver.remediate.files import read
from receiver.remediate.findings import Check, Config, Finding
from receiver.remediate.runbook import Runbook
from receiver.remediate.settings import OverrideSettings, Scalar
from tocsin.config import Fault
from tocsin.problem import Problem
from tocsin.yamltree import YamlPath

CHECKS: tuple[Check, ...] = (
    values_are_supplied,
    values_are_used,
    values_are_part_of_the_target,
    target_is_told_apart,
    target_is_allowed,
    expressions_parse,
)
# What is not there is missed when the runbook acts; a dry run shows what it would do without.
OF_THE_CONFIGURATION: tuple[Check, ...] = (prometheus_is_configured, approval_can_be_given, steps_can_be_done)


def check(files: Sequence[Path], config: Config | None) -> list[Problem]:
    """Every problem of the runbooks in these files; with a configuration: as its overrides make them.

    What is wrong with the configuration itself, its own check tells.
    """
    overrides = config.remediation.runbooks if config and config.remediation else {}
    runbooks, problems = read([str(file) for file in files], Path(), overrides)
    return problems + [problem for one in runbooks.values() for problem in problems_of(one, config)]


def problems_of(runbook: Runbook, config: Config | None) -> Iterator[Problem]:
    """What is wrong with one runbook, each with its place in the runbook's file."""
    for finding in _findings(runbook, config):
        yield _problem(runbook, finding)


def faults(config: Config) -> Iterator[Fault | Problem]:
    """What is wrong with a configuration's runbooks, and with what it says of them itself."""
    if config.remediation is None:
        return
    runbooks, problems = config.remediation.read_runbooks
    yield from problems
    for name, override in config.remediation.runbooks.items():
        yield from _of_override(name, override, runbooks.get(name), [*runbooks])
    for runbook in runbooks.values():
        for finding in _findings(runbook, config):
            path = _overridden(runbook, finding.path, config.remediation)
            if path and finding.severity == "error":
                yield Fault(path, f"{runbook.name}: {finding.message}", finding.hint)
            else:
                yield _problem(runbook, finding)


def _findings(runbook: Runbook, config: Config | None) -> Iterator[Finding]:
    for one in CHECKS:
        yield from one(runbook, config)
    for one in OF_THE_CONFIGURATION:
        for finding in one(runbook, config):
            yield finding if runbook.settings.mode == "apply" else replace(finding, severity="warning")


def _problem(runbook: Runbook, finding: Finding) -> Problem:
    at = runbook.document.at(*finding.path)
    return Problem(finding.check, finding.message, at, finding.hint, runbook.name, finding.severity, finding.part)


def _overridden(runbook: Runbook, path: YamlPath, remediation: RemediationSettings) -> YamlPath:
    """Where the configuration says what is wrong, if it and not the runbook says it."""
    override = remediation.runbooks.get(runbook.name)
    own = path[1:] if path[0] == "target" else path
    if override is None or not own or own[0] not in override.model_fields_set:
        return ()
    return ("remediation", "runbooks", runbook.name, *own)


def _of_override(
    name: str, override: OverrideSettings, runbook: Runbook | None, known: Sequence[str]
) -> Iterator[Fault]:
    at: YamlPath = ("remediation", "runbooks", name)
    if runbook is None:
        message, hint = missing(name, known, "a runbook of remediation.runbook_files") or ("", "")
        yield Fault(at, message, hint)
        return
    defaults = runbook.document.data.get("params", {})
    for param, value in override.params.items():
        found = missing(param, defaults, f"a parameter of {name}")
        if found is not None:
            yield Fault((*at, "params", param), *found)
        elif _kind(value) != _kind(default := defaults[param]):
            message = f"{name}: {param} must be {_kind(default)}"
            yield Fault((*at, "params", param), message, f"its default is {default!r}")


def _kind(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a text" if isinstance(value, str) else "a number"
