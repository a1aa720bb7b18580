"""What the parts of the model do with a column, in as few passes as can be: in place, and only where it counts.

A column of one series costs what its calls cost, a column of 100,000 what goes through memory.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from exporter.frame import Bools, Floats

Singles = NDArray[np.float32]
Mask = Bools | Literal[True]


def everywhere(there: Bools) -> Mask:
    """The same for numpy's `where=`: True where all count, for then nothing has to be looked up."""
    return True if np.count_nonzero(there) == there.size else there


def bounded(values: Floats, limit: Floats | float) -> Floats:
    """The same array, nothing in it further from 0 than a limit; NaN stays."""
    np.minimum(values, limit, out=values)
    np.maximum(values, -limit, out=values)
    return values


def follow(known: Floats | Singles, newest: Floats | Bools, gain: Floats | float, where: Mask) -> None:
    """Moves what is known towards the newest, by the share `gain`."""
    step = newest - known
    step *= gain
    np.add(known, step, out=known, where=where)


def begin_or_follow(known: Floats | Singles, newest: Floats, gain: Floats | float) -> None:
    """The same, but what is unknown (NaN) begins with the newest, and where that is NaN nothing changes."""
    step = newest - known
    step *= gain
    both = everywhere(np.isfinite(step))
    np.add(known, step, out=known, where=both)
    if both is not True:
        np.copyto(known, newest, where=np.isnan(known), casting="same_kind")
