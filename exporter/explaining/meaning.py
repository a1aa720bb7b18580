"""What the default model's pieces of evidence and views are, in words."""

from __future__ import annotations

from exporter.models.evidence import HOUR, HOURS, MEAN_STEPS, MINUTES, RAW, ROUGH, SLOW

# By piece: what it is, `{}` where the time of its mean stands; and whether it knows up from down.
PIECES_MEAN = {
    "sudden": ("the newest value, against what was expected", True),
    "minutes": ("the mean of about {}, against what was expected", True),
    "hour": ("the mean of about {}, against what was expected", True),
    "hours": ("the mean of about {}, against what other days make likely", True),
    "slow": ("the mean of about {}, against what other days make likely", True),
    "raw": ("the mean of about {}, against the usual value, whatever the time of day", True),
    "restless": ("values of about {} jump more than usual", False),
    "still": ("values of about {} move less than usual", False),
    "repeated": ("the very same value again and again, where values usually change", False),
}
# Pieces of other models.
OTHERS_MEAN = {
    "long": ("the mean of about {}, against what was expected", True),
    "detector": ("what the detector says of the newest value, beside its window", False),
}
MEAN_OF = {
    "minutes": MINUTES,
    "hour": HOUR,
    "hours": HOURS,
    "slow": SLOW,
    "raw": RAW,
    "restless": ROUGH,
    "still": ROUGH,
}
OTHERS_MEAN_OF = {"long": SLOW}
VIEWS_MEAN = {
    "level": "the last hour",
    "day": "the same time of other days",
    "kind": "the same time of days of this kind (working days, or weekends)",
    "ratio": "the same, in proportion to the last hours",
    "week": "the same time of other weeks",
}


def meaning(piece: str, step: float) -> str:
    """What a piece looks at, with steps of so many seconds."""
    piece = piece.rpartition(".")[2]
    words, _ = (PIECES_MEAN | OTHERS_MEAN).get(piece, (piece, False))
    place = (MEAN_OF | OTHERS_MEAN_OF).get(piece)
    return words if place is None else words.format(lasting(float(MEAN_STEPS[place, 0]) * step))


def signed(piece: str) -> bool:
    """Whether a piece knows up from down."""
    return (PIECES_MEAN | OTHERS_MEAN).get(piece.rpartition(".")[2], ("", False))[1]


def lasting(seconds: float) -> str:
    """A time in the unit that people would use: `20 min`, `2 h`."""
    for size, unit in ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * size or (size == 3_600.0 and seconds >= size):
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:g} s"
