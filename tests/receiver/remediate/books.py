"""A runbook for tests, and the alert that it is for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import yaml

from receiver.engine.occurrence import Occurrence
from receiver.remediate.files import effective
from receiver.remediate.runbook import Runbook
from receiver.remediate.settings import OverrideSettings, RunbookSettings
from tocsin import yamltree
from tocsin.config import validate
from tocsin.problem import Position

DATA: dict[str, Any] = {
    "apiVersion": "tocsin/v1alpha1",
    "kind": "Runbook",
    "metadata": {"name": "restart", "owner": "shop"},
    "match": ['alertname="CrashLooping"'],
    "values": {"namespace": {"label": "namespace"}, "deployment": {"label": "deployment"}},
    "target": {"is": "$(namespace)/$(deployment)", "allow": ["shop/checkout"]},
    "steps": [{"exec": {"command": ["/usr/local/lib/runbooks/restart", "--namespace=$(namespace)", "$(deployment)"]}}],
}
LABELS = {"alertname": "CrashLooping", "namespace": "shop", "deployment": "checkout", "severity": "critical"}


def text(**more: Any) -> str:
    """The runbook's file with other sections, or further ones."""
    return yaml.dump({**DATA, **more}, Dumper=yaml.CSafeDumper, sort_keys=False)


def runbook(override: Mapping[str, Any] | None = None, **more: Any) -> Runbook:
    """The runbook of `text`, with what a configuration says of it."""
    return read(text(**more), override)


def read(content: str, override: Mapping[str, Any] | None = None) -> Runbook:
    """The runbook in a text that has no problems."""
    (document,), problems = yamltree.parse(content, "runbook.yml")
    settings, found = validate(document, RunbookSettings, {})
    assert settings is not None, found
    assert not problems
    changed = None if override is None else OverrideSettings.model_validate(override)
    return Runbook.of(effective(settings, changed), document)


def alert(labels: Mapping[str, str] | None = None, *, tenant: str = "default", **changes: Any) -> Occurrence:
    """A firing alert with these labels instead of, or beside, those that the runbook is for."""
    fields: dict[str, Any] = {
        "id": "a1",
        "identity": "i1",
        "tenant": tenant,
        "source": "alertmanager",
        "fingerprint": "f",
        "labels": {**LABELS, **(labels or {})},
        "annotations": {"summary": "It crashes", "host": "web-1"},
        "generator_url": "",
        "starts_at": datetime(2026, 3, 1, tzinfo=UTC),
    }
    return Occurrence(**{**fields, **changes})


def there(content: str, at: Position) -> str:
    """What stands in the text at a place, to the end of the line."""
    return content.splitlines()[at.line - 1][at.column - 1 :]
