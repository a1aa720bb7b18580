"""The life of a rule: what its `state` means for the output."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """`draft` is checked and not written, `testing` is written and wakes nobody, `disabled` is neither."""

    DRAFT = "draft"
    TESTING = "testing"
    ACTIVE = "active"
    DEPRECATED = "deprecated"
    DISABLED = "disabled"

    @property
    def written(self) -> bool:
        """Whether the rule stands in what is built."""
        return self not in (State.DRAFT, State.DISABLED)
