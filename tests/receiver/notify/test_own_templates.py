"""People's own templates: which one counts, what one may not do, and what becomes of one that fails."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest
import structlog
from msgspec import structs
from typer.testing import CliRunner

from receiver.engine.occurrence import one_line
from receiver.notify import bounded
from receiver.notify.bounded import BoundedEnvironment, TooMuch
from receiver.notify.channel import Envelope
from receiver.notify.own import read
from receiver.notify.sample import sample
from receiver.notify.text import Text, Writer
from tests.receiver.test_notify import ALERT, PAGE
from tocsin.cli import build

FACTS = {"rows": list(range(100)), "text": "x" * 1000, "name": "<b>&", "message": "page", "language": "en"}


def write(folder: Path, envelope: Envelope, **files: str) -> Text:
    """What own templates make of a message; `page_de_txt` is the file page.de.txt.j2."""
    for name, source in files.items():
        (folder / f"{name.replace('_', '.')}.j2").write_text(source)
    own, problems = read(folder)
    assert problems == []
    return Writer(own).write(envelope)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"message_txt": "any"}, "any"),
        ({"message_txt": "any", "message_de_txt": "any German"}, "any German"),
        ({"message_de_txt": "any German", "page_txt": "a page"}, "a page"),
        ({"page_txt": "a page", "page_de_txt": "a German page"}, "a German page"),
        ({"page_fr_txt": "a French page", "resolved_txt": "an end"}, "Wahrscheinliche Ursache"),
    ],
)
def test_the_most_particular_counts(tmp_path: Path, files: dict[str, str], says: str) -> None:
    """First the message in the language, then the message, then any message; else Tocsin's own words."""
    assert says in write(tmp_path, sample("page", "de"), **files).body


def test_every_medium(tmp_path: Path) -> None:
    """Subject, text, HTML, SMS and speech can each be written; each keeps to its medium's bounds."""
    text = write(
        tmp_path,
        sample("page"),
        page_subject="a\nb {{ incident.id }}",
        page_txt="t",
        page_html="<p>{{ title }}</p>",
        page_short="s" * 400,
        page_spoken="v\n",
    )
    assert (text.subject, text.body, text.html, text.spoken) == (
        "a b k3f9x2abcd",
        "t",
        "<p>7 % of the player&#39;s requests fail</p>",
        "v",
    )
    assert len(text.short) == 306


def test_what_comes_from_outside_is_data(tmp_path: Path) -> None:
    """An annotation that looks like a template is printed; in HTML it is escaped, whatever filters it went through."""
    nasty = "{{ 7 * 7 }}<script>"
    envelope = replace(PAGE, alerts=[structs.replace(ALERT, annotations={"summary": nasty})])
    source = "{% for a in alerts %}{{ a.summary }} {{ a.summary ~ '' }} {{ a.summary | replace('7', '8') }}{% endfor %}"
    text = write(tmp_path, envelope, page_txt=source, page_html=source)
    assert text.body == "{{ 7 * 7 }}<script> {{ 7 * 7 }}<script> {{ 8 * 8 }}<script>"
    assert "<script>" not in text.html
    assert text.html.count("&lt;script&gt;") == 3


def test_a_test_is_in_our_words(tmp_path: Path) -> None:
    """A test says that it is one, whatever own templates leave out."""
    text = write(tmp_path, replace(PAGE, tested_by="bob"), page_txt="own", page_subject="own", page_short="own")
    assert "own" not in (text.subject, text.body, text.short)


@pytest.mark.parametrize(
    "source",
    [
        "{{ range(10) }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ text.ljust(1000000000) }}",
        "{{ text | center(1000000000) }}",
        "{{ text | safe }}",
        "{{ text | urlize }}",
        "{% macro m() %}{{ m() }}{% endmacro %}",
        "{% include 'page.txt.j2' %}",
        "{% extends 'page.txt.j2' %}",
        "{% import 'x' as y %}",
        "{% set a %}{{ a }}{% endset %}",
        "{% for a in rows recursive %}{{ loop(rows) }}{% endfor %}",
        "{% filter upper %}x{% endfilter %}",
        "{% autoescape false %}{{ name }}{% endautoescape %}",
        "{% set ns.x = 1 %}",
        "{{ {} }}",
        "{{ lipsum }}{{ cycler() }}",
    ],
)
def test_what_templates_may_not_have(source: str) -> None:
    """Whatever could call, grow, repeat itself or reach out is refused when it is read, with its line."""
    with pytest.raises(jinja2.TemplateSyntaxError) as caught:
        BoundedEnvironment(one_line).make(f"\n{source}", "page.html.j2")
    assert caught.value.lineno == 2


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{% for a in rows %}{% for b in rows %}{% for c in rows %}{% endfor %}{% endfor %}{% endfor %}", "turns"),
        (
            "{% for a in rows if a in rows %}{% for b in rows %}"
            "{% for c in rows %}{% endfor %}{% endfor %}{% endfor %}",
            "turns",
        ),
        ("{% set a = text %}" + "{% set a = a ~ a %}" * 40, "grows beyond"),
        ("{% set a = text %}" + "{% set a = [a, a] | join %}" * 40, "grows beyond"),
        ("{% set a = text %}" + "{% set a = a | replace('x', 'xx') %}" * 40, "grows beyond"),
        ("{% set a = text %}{% set a = a + a %}", "take numbers"),
        ("{% set a = rows %}{% set a = a + a %}", "take numbers"),
        ("{% for a in rows %}{% for b in rows %}{{ text }}{% endfor %}{% endfor %}", "writes more"),
        ("{{ nothing }}", "undefined"),
        ("{{ text.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_what_templates_may_not_do(source: str, says: str) -> None:
    """Turns, texts and output have bounds, reached within the deadline; nothing beyond the facts can be seen."""
    environment = BoundedEnvironment(one_line)
    began = time.process_time()
    with pytest.raises(jinja2.TemplateError, match=says):
        environment.fill(environment.make(source, "page.txt.j2"), FACTS)
    assert time.process_time() - began < bounded.SECONDS + 0.5


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A template that is still at it at the deadline is given up."""
    monkeypatch.setattr(bounded, "SECONDS", 0.0)
    environment = BoundedEnvironment(one_line)
    with pytest.raises(TooMuch, match="takes longer"):
        environment.fill(environment.make("{% for a in rows %}x{% endfor %}", "page.txt.j2"), FACTS)


def test_a_large_template_is_refused() -> None:
    """A source beyond the bound, and one nested beyond reason, are refused when they are read."""
    environment = BoundedEnvironment(one_line)
    for source in ("x" * 70_000, "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}"):
        with pytest.raises(jinja2.TemplateSyntaxError):
            environment.make(source, "page.txt.j2")


def test_one_that_fails_is_told_once(tmp_path: Path) -> None:
    """Our words stand in for a template that fails, and the log says so once, with the line."""
    (tmp_path / "page.txt.j2").write_text("ok\n{{ alerts[5].name }}")
    own, _ = read(tmp_path)
    writer = Writer(own)
    with structlog.testing.capture_logs() as logs:
        bodies = [writer.write(PAGE).body for _ in range(3)]
    assert all("PlayerErrors is up" in body for body in bodies)
    assert [(log["log_level"], log["template"], log["line"]) for log in logs] == [("error", "page.txt.j2", 2)]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"page.txt.j2": "a\n{% if %}"}, "page.txt.j2:2:1: error: Expected an expression"),
        ({"page.txt.j2": "a\n\n{{ titel }}"}, "page.txt.j2:3:1: error: fails with a sample page: 'titel' is undefined"),
        ({"message.fr.html.j2": "{{ x.y }}"}, "message.fr.html.j2:1:1: error: fails with a sample page"),
        ({"pages.txt.j2": ""}, "pages.txt.j2: error: is no name of a template"),
        ({"page.es.txt.j2": ""}, "page.es.txt.j2: error: is no name of a template"),
    ],
)
def test_config_check(tmp_path: Path, files: Mapping[str, str], says: str) -> None:
    """`tocsin config check` tries each template with a sample and shows what is wrong, with file and line."""
    (tmp_path / "t").mkdir()
    for name, source in files.items():
        (tmp_path / "t" / name).write_text(source)
    config = tmp_path / "receiver.yml"
    config.write_text("templates: {folder: t}\n")
    told = CliRunner().invoke(build(), ["config", "check", str(config), "--kind", "receiver"])
    assert told.exit_code == 1
    assert f"{tmp_path}/t/{says}" in told.output


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A folder that does not exist is a problem; one with good templates is none."""
    config = tmp_path / "receiver.yml"
    config.write_text("templates: {folder: t}\n")
    command = ["config", "check", str(config), "--kind", "receiver"]
    assert "no such folder" in CliRunner().invoke(build(), command).output
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "page.txt.j2").write_text("{{ title }}\n{% for a in alerts %}{{ a.labels.service }}{% endfor %}")
    assert CliRunner().invoke(build(), command).exit_code == 0
