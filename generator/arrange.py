"""Between reading and resolving: packs extended, and laid out for the tenants that chose them."""

from __future__ import annotations

from collections.abc import Sequence

from generator.extension import extend
from generator.load import KIND, Source
from generator.tenants.choosing import chosen
from tocsin.problem import Problem


def arrange(sources: Sequence[Source]) -> tuple[list[Source], list[Problem]]:
    """The packs as they are to be built: each once, or once for each tenant that chose it where there are tenants.

    Told is what extends or chooses or changes what does not exist.
    """
    packs, problems = extend([source for source in sources if source.kind == KIND])
    wanted, unfit = chosen(packs, [source for source in sources if source.kind != KIND])
    return wanted, [*problems, *unfit]
