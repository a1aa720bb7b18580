"""Specifications with anything in the place of anything: told as problems, never a traceback."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.importing import openslo, sloth
from generator.slo import Naming
from tests.generator.importing import built
from tests.generator.test_openslo import ALPHA, SLO, WHOLE
from tests.generator.test_sloth import OBJECT, PLUGINS, SPEC
from tocsin import yamltree

NUMBERS = (0, -1, 1.5, float("nan"), float("inf"), 10**400, True)
TEXTS = ("", "x", "up", "{{.window}}", "$(a)", "99999999w", "openslo/v1", "prometheus/v1")
TREES: tuple[Any, ...] = (None, [], {}, [None], [{}], [["a"]], {"a": 1}, {"name": "a"}, {"a": {"b": []}})
JUNK = st.sampled_from([*NUMBERS, *TEXTS, *TREES])
DOCUMENTS = [
    yaml.safe_load(SPEC + PLUGINS),
    yaml.safe_load(OBJECT),
    yaml.safe_load(ALPHA),
    yaml.safe_load(SLO),
    *yaml.safe_load_all(WHOLE),
]


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield from _paths(child, (*path, key))


@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_is_a_traceback(document: Any, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever stands in one place of a specification, packs and problems come of it, and the packs can be built."""
    folder = tmp_path_factory.mktemp("packs")
    changed = copy.deepcopy(document)
    path = data.draw(st.sampled_from([path for path in _paths(changed) if path]))
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    if data.draw(st.booleans()):
        holder[path[-1]] = data.draw(JUNK)
    else:
        del holder[path[-1]]
    documents, _ = yamltree.parse(yaml.safe_dump_all([changed, *DOCUMENTS[4:]]), "spec.yml")
    for reader in (sloth, openslo):
        if reader.is_meant(documents[0]):
            packs, problems = reader.read(documents[0], documents)
            assert packs or problems or "slos" not in str(document)
            assert all(problem.hint and problem.at.line for problem in problems)
            for naming in Naming if packs else ():
                built(packs, folder, naming)
