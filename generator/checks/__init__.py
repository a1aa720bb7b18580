"""The checks by name. A new one is a module, this line, a test and a page in docs/."""

from __future__ import annotations

from generator.checks import (
    annotation_template,
    duplicate_alert,
    forgotten_absence,
    invalid_name,
    missing_comparison,
    missing_runbook,
    promql_syntax,
)

CHECKS = {
    "annotation-template": annotation_template.check,
    "duplicate-alert": duplicate_alert.check,
    "forgotten-absence": forgotten_absence.check,
    "invalid-name": invalid_name.check,
    "missing-comparison": missing_comparison.check,
    "missing-runbook": missing_runbook.check,
    "promql-syntax": promql_syntax.check,
}
