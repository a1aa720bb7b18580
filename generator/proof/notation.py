"""A series of a world in promtool's notation: `1x9` is ten samples of 1, `0+2x9` a line, `_` none, `stale` its end."""

from __future__ import annotations

import json
import re
from itertools import groupby

import numpy as np

from generator.proof.vectors import NAME, Numbers
from generator.proof.worlds import BORN, GONE, LATER, MOMENT, NEVER, PERIOD, SLOPE, Worlds
from tocsin.model import Labels

METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def series_name(labels: Labels) -> str:
    """A label set as promtool's input series are called."""
    metric = labels.get(NAME, "")
    plain = METRIC.fullmatch(metric)
    rest = sorted(item for item in labels.items() if item[1] and (item[0] != NAME or not plain))
    inside = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in rest)
    return (metric if plain else "") + (f"{{{inside}}}" if inside else "")


def values(worlds: Worlds, row: int, world: int, samples: int) -> str:
    """The samples of one series in one world, from the first one; nothing for a series that never is."""
    numbers = worlds.numbers[row, :, world]
    born, gone = max(0, int(numbers[BORN])), int(min(numbers[GONE], samples))
    if born >= gone:
        return ""
    shown, _ = worlds.at([row], np.arange(samples))
    pieces = [f"_x{born}"] if born else []
    pieces += _pieces(shown[0, world], numbers, born, gone)
    return " ".join([*pieces, "stale"] if gone < min(samples, NEVER) else pieces)


def _pieces(
    shown: Numbers,
    numbers: Numbers,
    born: int,
    gone: int,
) -> list[str]:
    if numbers[PERIOD] > 0:
        runs = ((value, len(list(run))) for value, run in groupby(shown[born:gone].tolist()))
        return [_line(value, 0.0, count) for value, count in runs]
    moment = int(min(max(numbers[MOMENT], born), gone))
    parts = []
    if moment > born:
        parts.append(_line(shown[born], numbers[SLOPE], moment - born))
    if gone > moment:
        parts.append(_line(shown[moment], numbers[LATER] if numbers[MOMENT] < NEVER else numbers[SLOPE], gone - moment))
    return parts


def _line(start: float, slope: float, count: int) -> str:
    if count == 1:
        return number(start)
    if slope == 0:
        return f"{number(start)}x{count - 1}"
    sign = "-" if slope < 0 else "+"
    return f"{number(start)}{sign}{number(abs(slope))}x{count - 1}"


def number(value: float) -> str:
    """A number as promtool reads it, without the noise of binary fractions."""
    short = f"{value:.12g}"
    if "e" in short or "inf" in short or "nan" in short:
        short = f"{value:f}".rstrip("0").rstrip(".") if abs(value) >= 1e-6 and abs(value) < 1e15 else repr(float(value))
    return "0" if short in ("-0", "") else short
