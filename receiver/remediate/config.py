"""`remediation` in the receiver's configuration."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from receiver.people.settings import Name
from receiver.remediate.files import read
from receiver.remediate.runbook import Runbook
from receiver.remediate.settings import OverrideSettings, RateSettings
from receiver.remediate.steps.ansible import AnsibleEdge
from receiver.remediate.steps.exec import ExecEdge
from receiver.remediate.steps.http_edge import HttpEdge
from receiver.remediate.steps.kubernetes import KubernetesEdge
from tocsin.config import Settings
from tocsin.named_files import BUILTIN
from tocsin.problem import Problem
from tocsin.promconfig import ServerSettings


class RemediationSettings(Settings):
    """Which runbooks there are, what they may reach, and how much may happen in all.

    Credentials are named here as files, which only the process opens that runs steps.
    """

    runbook_files: tuple[str, ...] = Field(
        (), description="Files of runbooks; globs, from the configuration's folder. `builtin:NAME` is one that ships."
    )
    runbooks: dict[Name, OverrideSettings] = Field(
        {}, description="What is otherwise than in the runbook, by its name."
    )
    separate_worker: bool = Field(
        False,
        description="Steps run in `tocsin receiver worker --kinds remediation` alone; here no credentials are opened.",
    )
    prometheus: ServerSettings | None = Field(None, description="Who answers guards and verifications.")
    everything: RateSettings = Field(
        RateSettings(most=20, within=timedelta(hours=1)), description="How many runs there may be in all."
    )
    budgets: dict[str, RateSettings] = Field({}, description="How many for one tenant; `*` is every other one.")
    exec: ExecEdge = Field(ExecEdge(), description="Programs.")
    http: dict[Name, HttpEdge] = Field({}, description="Addresses that steps of kind http may call, by name.")
    kubernetes: dict[Name, KubernetesEdge] = Field({}, description="Clusters, by name.")
    ansible: AnsibleEdge | None = Field(None, description="Playbooks.")

    @field_validator("runbook_files")
    @classmethod
    def _beside_the_file(cls, files: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        folder = (info.context or {}).get("folder", Path())
        return tuple(file if file.startswith(BUILTIN) else str(folder / file) for file in files)

    @cached_property
    def read_runbooks(self) -> tuple[dict[str, Runbook], list[Problem]]:
        """The runbooks in force, by name, and what is wrong with their files; read once: what was checked is run."""
        return read(self.runbook_files, Path(), self.runbooks)
