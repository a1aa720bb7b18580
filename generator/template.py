"""What `expand` asks of a template."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ConfigDict

from tocsin.config import Settings
from tocsin.model import Labels
from tocsin.promql import Expression


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that Prometheus records; its labels are those that tell it from others of its name."""

    name: str
    expr: Expression
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What Prometheus evaluates: the recordings in order, then `expr`, whose every series is one firing alert."""

    expr: Expression
    recordings: tuple[Recording, ...] = ()


class Template(Settings):
    """The facts under an alert's template key. A class and no Protocol: pydantic reads the fields from it.

    `example` is an item of `rules`, which the template's page in docs/ begins with and `tocsin rules templates` shows.
    """

    model_config = ConfigDict(defer_build=True)  # most packs use few templates: a validator is made when it is needed

    example: ClassVar[str]

    @abstractmethod
    def plan(self, prefix: str) -> Plan:
        """The facts as PromQL. What is recorded for the alert is called `<prefix>:<what it is>`.

        Equal recordings of two alerts are written once; different ones that bear one name are a problem.

        Raises:
            PromQLError: the parts do not fit together.
        """
