"""What is known of each alert's `for`, from everywhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from receiver.engine.onset import Holds


@dataclass(slots=True)
class KnownHolds:
    """What rule files and a server tell; the files count first."""

    files: Holds
    served: Holds = field(default_factory=Holds)

    @property
    def all(self) -> Holds:
        return self.files.before(self.served)
