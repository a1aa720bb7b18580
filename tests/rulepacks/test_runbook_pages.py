"""The page that a runbook link opens at night."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.rulepacks.shipped import NAMES, PAGES, alerts, named
from tocsin import promql

HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "When it is a false alarm"]


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_has_its_page_and_each_page_its_alert(name: str) -> None:
    """None is missing, and none is left over from an alert that is gone."""
    expected = sorted({named(rule) for pack, rule in alerts() if pack == name})
    assert sorted(page.stem for page in (PAGES / name).iterdir()) == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_page_leads_from_the_alarm_to_its_end(name: str) -> None:
    """Title, what fires when, and the five parts, none of them empty; with queries that can be pasted."""
    amiss = {page.stem: list(_amiss(page.stem, page.read_text())) for page in sorted((PAGES / name).iterdir())}
    assert {page: found for page, found in amiss.items() if found} == {}


def _amiss(name: str, text: str) -> Iterator[str]:
    title, rest = text.split("\n", 1)
    if title != f"# {name}":
        yield f"its title is {title!r}"
    if re.findall(r"^## (.+)$", rest, re.MULTILINE) != HEADINGS:
        yield f"its headings are not {HEADINGS}"
        return
    parts = re.split(r"^## .+$", rest, flags=re.MULTILINE)
    yield from (f"{heading} is empty" for heading, part in zip(["", *HEADINGS], parts, strict=True) if _short(part))
    queries = re.findall(r"^ *```promql\n(.*?)^ *```$", parts[3], re.DOTALL | re.MULTILINE)
    if not queries:
        yield "there is no query to paste"
    yield from (f"cannot be pasted: {query}" for query in queries if not _can_be_pasted(query))


def _short(part: str) -> bool:
    return len(part.split()) < 8


def _can_be_pasted(query: str) -> bool:
    try:
        promql.parse(query)
    except promql.PromQLError:
        return False
    return "$" not in query
