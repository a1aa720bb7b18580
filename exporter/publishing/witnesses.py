"""Several publishers that remember, as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.frame import Frame
from exporter.model import Arrays, Rows
from exporter.publishing.samples import Witness


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Each by a name, under which its arrays are kept."""

    named: Mapping[str, Witness]

    def begin(self, history: Frame) -> None:
        for witness in self.named.values():
            witness.begin(history)

    def resize(self, rows: Rows) -> None:
        for witness in self.named.values():
            witness.resize(rows)

    def arrays(self) -> Arrays:
        return {
            f"{name}/{one}": array for name, witness in self.named.items() for one, array in witness.arrays().items()
        }

    def restore(self, arrays: Arrays, series: int) -> None:
        for name, witness in self.named.items():
            own = f"{name}/"
            found = {one.removeprefix(own): array for one, array in arrays.items() if one.startswith(own)}
            witness.restore(found, series)
