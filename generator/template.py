"""What `expand` asks of a template."""

from __future__ import annotations

from abc import abstractmethod

from generator.promql import Expression
from tocsin.config import Settings


class Template(Settings):
    """The facts under an alert's template key. A class and no Protocol: pydantic reads the fields from it."""

    @abstractmethod
    def expression(self) -> Expression:
        """What Prometheus evaluates: each series of the result is one firing alert.

        Raises:
            PromQLError: the parts do not fit together.
        """
