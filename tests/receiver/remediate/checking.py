"""A configuration with people and with remediation, and what checks say of a runbook under it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from receiver.config import ReceiverConfig
from receiver.remediate.checks import problems_of
from receiver.remediate.config import RemediationSettings
from tests.receiver.remediate.books import runbook, text, there

GUARD = {"expr": "sum(up)", "above": 0}
CONFIG: dict[str, Any] = {
    "users": {
        "alice": {"roles": ["lead"], "skills": ["postgres"]},
        "bob": {"roles": ["lead", "responder"]},
        "carol": {"roles": ["admin"]},
        "dan": {"roles": ["acme-lead"]},
    },
    "teams": {"ops": {"members": ["alice"]}},
    "roles": {
        "lead": {"scopes": ["incidents:read", "remediation:approve"]},
        "acme-lead": {"scopes": ["remediation:approve"], "tenants": ["acme"]},
    },
    "remediation": {
        "prometheus": {"url": "http://127.0.0.1:9090"},
        "exec": {"allow": ["/usr/local/lib/runbooks"]},
    },
}


@cache
def _people() -> ReceiverConfig:
    return ReceiverConfig.model_validate(CONFIG)


def config(**remediation: Any) -> ReceiverConfig:
    """A configuration with people and with remediation."""
    people = _people()
    assert people.remediation is not None
    known = RemediationSettings.model_validate(remediation)  # without the server: what it trusts takes long to read
    changes = {name: getattr(known, name) for name in known.model_fields_set}
    return people.model_copy(update={"remediation": people.remediation.model_copy(update=changes)})


def exec_step(*arguments: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"command": ["/usr/local/lib/runbooks/x", *arguments], **more}}


def found(more: dict[str, Any], using: Any = None) -> list[tuple[str, str, str, str]]:
    """What is said of the runbook: how bad, which check, what stands in that place, what is said."""
    problems, content = problems_of(runbook(**more), using or config()), text(**more)
    return [(one.severity, one.check, there(content, one.at), one.message) for one in problems]


def configured(folder: Path, remediation: dict[str, Any], **books: str) -> Path:
    """A configuration file with its runbooks beside it."""
    for name, content in books.items():
        (folder / f"{name}.yml").write_text(content)
    file = folder / "receiver.yaml"
    file.write_text(
        yaml.safe_dump({**CONFIG, "remediation": {**CONFIG["remediation"], **remediation}}, sort_keys=False)
    )
    return file
