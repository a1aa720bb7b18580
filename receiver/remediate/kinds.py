"""Every kind of step, one line each: its settings, what the worker knows of it, and the doer that does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, create_model, model_validator

from receiver.remediate.step import StepSettings
from receiver.remediate.steps.ansible import AnsibleStep
from receiver.remediate.steps.exec import ExecStep
from receiver.remediate.steps.http import HttpStep
from receiver.remediate.steps.kubernetes import KubernetesStep
from receiver.remediate.steps.notify import NotifyStep
from receiver.remediate.steps.silence import SilenceStep
from receiver.remediate.steps.wait import WaitStep
from tocsin.config import Settings

KINDS: Mapping[str, type[StepSettings]] = {
    kind.KIND: kind for kind in (AnsibleStep, ExecStep, HttpStep, KubernetesStep, NotifyStep, SilenceStep, WaitStep)
}


class OneKind(Settings):
    """Exactly one kind with its settings."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(self._kinds) != 1:
            raise ValueError(f"a step has exactly one kind of {', '.join(sorted(KINDS))}")
        return self

    @property
    def _kinds(self) -> set[str]:
        return {kind for kind in self.model_fields_set & set(KINDS) if getattr(self, kind) is not None}

    @property
    def step(self) -> StepSettings:
        """The settings of its kind."""
        (kind,) = self._kinds
        found: StepSettings = getattr(self, kind)
        return found


if TYPE_CHECKING:
    OneStep = OneKind  # the model with a field for each kind; typed as its base
else:
    _fields: dict[str, Any] = {kind: (settings | None, Field(default=None)) for kind, settings in KINDS.items()}
    OneStep = create_model("OneStep", __base__=OneKind, **_fields)
