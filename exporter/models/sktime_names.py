"""sktime's forecasters and detectors by name, with a way out where a name or a parameter is wrong.

`sktime.registry` imports all of sktime to know a name, which takes 7 to 15 seconds. Here a name is looked for in the
text of the files that the registry would import, and only what is meant is imported; a test holds both to the same.

A parameter that is an estimator itself is written as one: `{sktime: NaiveForecaster, params: {…}}`, and one of PyOD's
detectors as `{pyod: IForest, params: {…}}`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDERS = ("forecasting", "detection")
PYOD = "pyod"
CLASS = re.compile(r"^class ([A-Z]\w*)\(", re.MULTILINE)
EXTRAS = {"statsmodels": "statsmodels", "prophet": "prophet", "statsforecast": "statsforecast", "pmdarima": "pmdarima"}
NAMED = 3  # of the nearest names


class Refused(Exception):
    """An estimator that cannot be had; `hint` is the way out."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def estimator(name: str, params: Mapping[str, Any]) -> Any:
    """An unfitted forecaster or detector.

    Raises:
        Refused: there is none of this name, or it takes other parameters, or something it needs is not installed.
    """
    found = named(name)
    known = found.get_param_names()
    for param in params:
        if param not in known:
            raise Refused(f"{name} has no parameter {param!r}", _nearest(param, known, "it takes"))
    if absent := missing(found):
        raise Refused(f"{name} needs {', '.join(absent)}, which is not installed", install(absent))
    given = {param: _meant(value) for param, value in params.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what sktime will change some day
            return found(**given)
    except (TypeError, ValueError) as error:
        raise Refused(f"{name} does not take these parameters: {error}", _example(name)) from error


def _meant(value: Any) -> Any:
    """A parameter's value; where an estimator is described, that estimator."""
    if isinstance(value, Mapping) and value.keys() - {"params"} in ({"sktime"}, {PYOD}):
        make = estimator if "sktime" in value else of_pyod
        return make(str(value.get("sktime", value.get(PYOD))), value.get("params", {}))
    return value


def of_pyod(name: str, params: Mapping[str, Any]) -> Any:
    """A detector of PyOD.

    Raises:
        Refused: as for `estimator`.
    """
    spec = find_spec(PYOD)
    if spec is None or not spec.submodule_search_locations:
        raise Refused(f"{name} needs {PYOD}, which is not installed", install([PYOD]))
    root = Path(spec.submodule_search_locations[0])
    places = {found: module for found, module in _classes(root, "models") if not found.startswith("Base")}
    if name not in places:
        raise Refused(f"PyOD has no detector {name!r}", _nearest(name, list(places), "there are"))
    try:
        return getattr(import_module(places[name]), name)(**params)
    except (TypeError, ValueError) as error:
        raise Refused(f"{name} does not take these parameters: {error}", "see its page in PyOD's reference") from error
    except ImportError as error:
        raise Refused(f"{name} cannot be imported: {error}", "install what it needs, or name another one") from error


def _example(name: str) -> str:
    if name == "PyODDetector":
        return "name one of PyOD's detectors: params: {estimator: {pyod: IForest}}"
    return "see its page in sktime's reference"


def kind_of(name: str) -> str:
    """`forecaster` or `detector`.

    Raises:
        Refused: there is none of this name.
    """
    from sktime.forecasting.base import BaseForecaster

    return "forecaster" if issubclass(named(name), BaseForecaster) else "detector"


def named(name: str) -> Any:
    """The class of this name.

    Raises:
        Refused: there is none.
    """
    places = modules()
    if name not in places:
        raise Refused(f"sktime has no forecaster or detector {name!r}", _nearest(name, list(places), "there are"))
    return getattr(import_module(places[name]), name)


@cache
def modules() -> Mapping[str, str]:
    """The module of each public forecaster and detector that comes with sktime, by name, as its files tell.

    Raises:
        Refused: sktime is not installed.
    """
    spec = find_spec("sktime")
    if spec is None or not spec.submodule_search_locations:
        raise Refused("sktime is not installed", "pip install 'tocsin[exporter]'")
    root = Path(spec.submodule_search_locations[0])
    return {
        name: module for folder in FOLDERS for name, module in _classes(root, folder) if not name.startswith("Base")
    }


def _classes(root: Path, folder: str) -> Iterator[tuple[str, str]]:
    for file in sorted((root / folder).rglob("*.py")):
        if "tests" in file.parts:
            continue
        module = ".".join((root.name, *file.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
        for name in CLASS.findall(file.read_text(encoding="utf-8")):
            yield name, module


def _nearest(wanted: str, known: list[str], otherwise: str) -> str:
    near = get_close_matches(wanted, known, n=NAMED, cutoff=0.4)
    if not near:
        near = [name for name in sorted(known) if wanted.lower() in name.lower()][:NAMED]
    if near:
        return "did you mean " + ", ".join(near[:-1]) + (" or " if near[1:] else "") + near[-1] + "?"
    return f"{otherwise} {', '.join(sorted(known)[:8]) or 'none'}, …"


def missing(found: Any) -> list[str]:
    """What a class needs and is not there: packages with their bounds on versions."""
    needed = found.get_class_tag("python_dependencies") or []
    return absent([needed] if isinstance(needed, str) else list(needed))


def absent(needed: Sequence[str | Sequence[str]]) -> list[str]:
    """Those of these packages that are not installed; of several in one entry any is enough."""
    from skbase.utils.dependencies import _check_soft_dependencies

    entries = [[one] if isinstance(one, str) else list(one) for one in needed]
    return [entry[0] for entry in entries if not any(_check_soft_dependencies(one, severity="none") for one in entry)]


def install(packages: list[str]) -> str:
    """How to install packages: by our extra where there is one."""
    names = [re.split(r"[<>=!~\[ ]", package)[0] for package in packages]
    extras = sorted({EXTRAS[name] for name in names if name in EXTRAS})
    others = [f"'{package}'" for name, package in zip(names, packages, strict=True) if name not in EXTRAS]
    return " ".join(["pip install", *([f"'tocsin[{','.join(extras)}]'"] if extras else []), *others])
