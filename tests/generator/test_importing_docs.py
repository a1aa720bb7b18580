"""The page on importing says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator.foreign import KINDS, SEVERITIES
from generator.importing import FORMATS
from generator.importing.importer import adopt
from generator.importing.recognition import FINDERS, recognised
from tests.generator.test_docs import GUIDE, REFERENCE, _blocks
from tocsin import promql

PAGE = REFERENCE / "import.md"


def test_the_example_becomes_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the letter, the first line included."""
    source, pack = _blocks(PAGE, "yaml")
    monkeypatch.chdir(tmp_path)
    Path("rules.yml").write_text(source)
    [one], problems = adopt([Path("rules.yml")])
    assert (one.file.text, problems) == (pack, [])


def test_formats_and_templates_are_listed() -> None:
    """Each format and each template that is recognised; and each kind of object."""
    text = PAGE.read_text()
    assert [name for name in FORMATS if f"`{name}`" not in text] == []
    assert [name for name, _ in FINDERS if f"[`{name}`](templates/{name}.md)" not in text] == []
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []


def test_what_is_said_to_be_recognised_is() -> None:
    """The expressions of the table, where they are whole ones."""
    rows = dict(re.findall(r"^\| \[`(\w+)`\]\(.*?\) \| (.*) \|$", PAGE.read_text(), re.MULTILINE))
    for template in ("heartbeat", "absence", "range"):
        for expr in re.findall("`(.*?)`", rows[template]):
            assert recognised(promql.parse(expr))[0] == template


def test_severities_are_listed() -> None:
    """What a label may say, on the page about packs."""
    assert [name for name in SEVERITIES if f"`{name}`" not in GUIDE.read_text()] == []
