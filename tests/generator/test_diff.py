"""Two sets of rules compared: nothing that an evaluation or a person would notice is missed, and nothing else told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from generator.delivery.compare import compare
from generator.delivery.difference import Difference
from generator.delivery.markdown import LONGEST, as_markdown
from generator.delivery.reading import groups_in
from generator.delivery.rows import as_rows
from generator.delivery.wording import Style, as_text, summary
from generator.delivery.words import parts
from generator.rule import Group
from tests.generator.spellings import Node, trees, written

Tree = dict[str, Any]

RULES = """\
groups:
  - name: load
    interval: 60s
    labels: {team: core}
    rules:
      - {record: 'job:load:sum', expr: 'sum by (job) (load)'}
      - {alert: LoadHigh, expr: 'job:load:sum > 1e1', for: 5m, labels: {severity: warning},
         annotations: {summary: High}}
      - {alert: Down, expr: 'up{job="a"} == 0', labels: {job: a}}
      - {alert: Down, expr: 'up{job="b"} == 0', labels: {job: b}}
  - name: disk
    rules:
      - {alert: DiskFull, expr: 'disk_free / disk_size < 0.1', keep_firing_for: 10m}
"""


def groups(text: str) -> tuple[Group, ...]:
    return groups_in(text, "rules.yml")


def differs(old: str, new: str) -> Difference:
    return compare({"node": groups(old)}, {"node": groups(new)})


def told(found: Difference) -> list[tuple[str, str, str | None, str | None]]:
    """Each change as (what, field, old, new); a rule that came or went as (kind, its name)."""
    rows: list[tuple[str, str, str | None, str | None]] = []
    for group in found.groups:
        rows += [(group.group, change.field, change.old, change.new) for change in group.changes]
        rows += [(group.group, "order", record.name, reader.name) for record, reader in group.reordered]
        rows += [(group.group, group.kind, None, None)] if group.kind != "changed" else []
    for rule in found.rules:
        rows += [(rule.rule.name, change.field, change.old, change.new) for change in rule.changes]
        rows += [(rule.rule.name, rule.kind, None, None)] if rule.kind != "changed" else []
    return rows


CHANGES: list[tuple[str, str, list[tuple[str, str, str | None, str | None]]]] = [
    ("1e1", "20", [("LoadHigh", "expr", "job:load:sum > 10", "job:load:sum > 20")]),
    ("for: 5m", "for: 6m", [("LoadHigh", "for", "5m", "6m")]),
    (", for: 5m", "", [("LoadHigh", "for", "5m", None)]),
    ("keep_firing_for: 10m", "keep_firing_for: 11m", [("DiskFull", "keep_firing_for", "10m", "11m")]),
    ("severity: warning", "severity: info", [("LoadHigh", "labels.severity", "warning", "info")]),
    ("summary: High", "summary: high", [("LoadHigh", "annotations.summary", "High", "high")]),
    ("interval: 60s", "interval: 2m", [("load", "interval", "1m", "2m")]),
    ("interval: 60s", "limit: 5", [("load", "interval", "1m", None), ("load", "limit", None, "5")]),
    ("interval: 60s", "interval: 60s\n    query_offset: 1m", [("load", "query_offset", None, "1m")]),
    ("interval: 60s", "interval: 60s\n    query_offset: 0s", [("load", "query_offset", None, "0s")]),
    ("team: core", "team: edge", [("load", "labels.team", "core", "edge")]),
    ("name: disk", "name: disks", [("disks", "name", "disk", "disks")]),
    ("alert: LoadHigh", "alert: TooHigh", [("LoadHigh", "removed", None, None), ("TooHigh", "added", None, None)]),
    ("up{job=\"b\"} == 0', labels: {job: b}", "up{job=\"b\"} < 1', labels: {job: b}",
     [("Down", "expr", 'up{job="b"} == 0', 'up{job="b"} < 1')]),
    ("labels: {job: a}", "labels: {job: c}", [("Down", "labels.job", "a", "c")]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), CHANGES)
def test_a_change_is_told_as_what_it_is(
    before: str, after: str, expected: list[tuple[str, str, str | None, str | None]]
) -> None:
    """Nothing but the change, of the right one of twins; and backwards the other way round."""
    changed = RULES.replace(before, after)
    assert changed != RULES
    assert sorted(told(differs(RULES, changed)), key=str) == sorted(expected, key=str)
    assert differs(changed, RULES)


ALIKE = [
    ("1e1", "10.0"),
    ("interval: 60s", "interval: 1m"),
    ("sum by (job) (load)", "( sum(load)by(job) )"),
    ("'up{job=\"a\"} == 0'", "\"up{job='a'}==0\""),
    ("for: 5m", "for: 300s"),
    (", for: 5m", ", for: 5m, keep_firing_for: 0s"),
]


@pytest.mark.parametrize(("before", "after"), ALIKE)
def test_what_is_only_written_otherwise_is_no_change(before: str, after: str) -> None:
    """Layout, parentheses, quotes, spelling of numbers and durations."""
    assert RULES.replace(before, after) != RULES
    assert not differs(RULES, RULES.replace(before, after))


def test_a_label_of_the_group_is_one_of_each_rule() -> None:
    """Written once or on every rule, the alerts bear the same."""
    tree = yaml.safe_load(RULES)
    team = tree["groups"][0].pop("labels")
    for rule in tree["groups"][0]["rules"]:
        rule["labels"] = {**team, **rule.get("labels", {})}
    copied = yaml.safe_dump(tree)
    assert told(differs(RULES, copied)) == []


def test_order_is_told_where_somebody_reads_what_another_records() -> None:
    """The alert after its record sees this evaluation's value, before it the last one's; other order says nothing."""
    tree = yaml.safe_load(RULES)
    rules = tree["groups"][0]["rules"]
    rules.append(rules.pop(0))
    assert told(differs(RULES, yaml.safe_dump(tree))) == [("load", "order", "job:load:sum", "LoadHigh")]
    rules.insert(0, rules.pop())
    rules.reverse()
    rules.insert(0, rules.pop())
    assert not differs(RULES, yaml.safe_dump(tree))
    tree["groups"].reverse()
    assert not differs(RULES, yaml.safe_dump(tree))


def test_a_rule_that_moved_is_told_as_that() -> None:
    """From one group to another, and from one file to another; what changed on the way is told, too."""
    tree = yaml.safe_load(RULES)
    tree["groups"][1]["rules"].append({**tree["groups"][0]["rules"].pop(2), "labels": {"job": "a", "team": "core"}})
    assert told(differs(RULES, yaml.safe_dump(tree))) == [("Down", "group", "load", "disk")]
    tree["groups"][1]["rules"][-1]["for"] = "1m"
    assert told(differs(RULES, yaml.safe_dump(tree))) == [
        ("Down", "for", None, "1m"),
        ("Down", "group", "load", "disk"),
    ]
    here, there = groups(RULES), groups(RULES.replace("name: load", "name: other"))
    moved = compare({"a": here[:1], "b": there[:1]}, {"a": (), "b": (there[0], here[0])})
    assert not moved  # a file is only how rules are brought there


def test_a_file_of_another_name_holds_the_same_rules() -> None:
    """Which file a group stands in decides nothing."""
    assert not compare({"a": groups(RULES)}, {"b": groups(RULES)})


def test_twins_are_matched_by_what_they_share() -> None:
    """Of many rules of one name, the one that changed is told, and the one that went."""
    many = [{"alert": "Busy", "expr": f'load{{host="h{i}"}} > {i}', "labels": {"host": f"h{i}"}} for i in range(60)]
    old = yaml.safe_dump({"groups": [{"name": "g", "rules": many}]})
    changed: list[Tree] = [dict(rule) for rule in reversed(many)]
    changed[7]["expr"] = changed[7]["expr"].replace(">", ">=")
    del changed[30]
    new = yaml.safe_dump({"groups": [{"name": "g", "rules": changed}]})
    assert told(differs(old, new)) == [
        ("Busy", "expr", 'load{host="h52"} > 52', 'load{host="h52"} >= 52'),
        ("Busy", "removed", None, None),
    ]


@dataclass(frozen=True)
class Facts:
    """A rule as Hypothesis makes it."""

    name: str
    tree: Node
    hold: int
    labels: tuple[tuple[str, str], ...]


def _item(facts: Facts, random: Random) -> Tree:
    item: Tree = {"alert": facts.name, "expr": written(facts.tree, random)}
    if facts.hold or random.random() < 0.3:
        item["for"] = random.choice((f"{facts.hold}m", f"{facts.hold * 60}s"))
    item["labels"] = dict(random.sample(facts.labels, len(facts.labels)))
    return item


def _text(rules: Sequence[Facts], random: Random) -> str:
    return yaml.safe_dump({"groups": [{"name": "g", "rules": [_item(facts, random) for facts in rules]}]})


labels = st.dictionaries(st.sampled_from(("job", "team", "severity")), st.sampled_from("abc"), max_size=3)
facts = st.builds(
    lambda name, tree, hold, held: Facts(name, tree, hold, tuple(sorted(held.items()))),
    st.sampled_from(("One", "Two", "Three")),
    trees,
    st.integers(0, 90),
    labels,
)
sets = st.lists(facts, max_size=5)
patient = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
dice = st.integers(0, 2**32).map(Random)


@patient
@given(sets, dice)
def test_a_set_equals_itself_however_it_is_written(rules: list[Facts], random: Random) -> None:
    """In any order and spelling."""
    shuffled = random.sample(rules, len(rules))
    assert not differs(_text(rules, random), _text(shuffled, random))


@patient
@given(sets, sets, dice)
def test_whatever_differs_is_found(one: list[Facts], other: list[Facts], random: Random) -> None:
    """A difference is empty exactly where the sets are equal; and as many rules come and go backwards."""
    found, back = differs(_text(one, random), _text(other, random)), differs(_text(other, random), _text(one, random))
    assert bool(found) == (sorted(one, key=repr) != sorted(other, key=repr))
    assert (found.count("added"), found.count("removed")) == (back.count("removed"), back.count("added"))
    assert found.count("changed") == back.count("changed")


@patient
@given(st.lists(facts, min_size=1, max_size=5), dice, st.integers(0, 4), st.sampled_from(("name", "hold", "labels")))
def test_every_mutation_is_found(rules: list[Facts], random: Random, which: int, field: str) -> None:
    """One rule that is otherwise in one thing is one difference, or one that went and one that came."""
    index = which % len(rules)
    old = rules[index]
    new = {
        "name": Facts("Four", old.tree, old.hold, old.labels),
        "hold": Facts(old.name, old.tree, old.hold + 1, old.labels),
        "labels": Facts(old.name, old.tree, old.hold, (*old.labels, ("new", "x"))),
    }[field]
    found = differs(_text(rules, random), _text([*rules[:index], new, *rules[index + 1 :]], random))
    assert len(found.rules) == (2 if field == "name" else 1)


@patient
@given(sets, sets, dice)
def test_a_difference_can_be_printed(one: list[Facts], other: list[Facts], random: Random) -> None:
    """As text, JSON and Markdown, each with every rule that differs, and no line that steers a terminal."""
    found = differs(_text(one, random), _text(other, random))
    text, markdown, rows = as_text(found), as_markdown(found, "Rules"), as_rows(found)
    assert len(rows["rules"]) == len(found.rules)
    for rule in found.rules:
        assert f"alert {rule.rule.name}" in text
        assert f"alert {rule.rule.name}" in markdown
    assert "\x1b" not in text


def test_only_the_words_that_differ_are_marked() -> None:
    """As git's word diff has it; what stays is cut where it is long."""
    found = differs(RULES, RULES.replace("disk_free / disk_size < 0.1", 'disk_free / disk_size{mount="/"} < 0.2'))
    assert as_text(found).splitlines() == [
        "node · disk",
        "  ~ alert DiskFull",
        '      expr: disk_free / disk_size{+{mount="/"}+} < [-0.1-]{+0.2+}',
    ]
    assert "\x1b[31m0.1\x1b[0m\x1b[32m0.2\x1b[0m" in as_text(found, Style(colours=True))
    long = " + ".join(f"metric_{i}" for i in range(100))
    cut = "".join(text if sign != "…" else "…" for sign, text in parts(long, long.replace("metric_50", "other")))
    assert len(cut) < 500
    assert "metric_50other" in cut


@patient
@given(trees, trees, dice)
def test_words_put_together_are_the_texts(one: Node, other: Node, random: Random) -> None:
    """What stayed and what went is the old text, what stayed and what came the new one."""
    old, new = written(one, random), written(other, random)
    row = parts(old, new)
    assume("…" not in dict(row))
    assert "".join(text for sign, text in row if sign != "+") == old
    assert "".join(text for sign, text in row if sign != "-") == new


def test_the_summary_counts_rules() -> None:
    """In words; of groups only what is otherwise about themselves."""
    assert summary(Difference()) == "the same rules"
    changed = RULES.replace("for: 5m", "for: 6m").replace("interval: 60s", "interval: 2m")
    assert summary(differs(RULES, changed)) == "1 rule changed, 1 group otherwise"
    assert summary(differs(RULES, "groups: []")) == "5 rules removed"
    assert summary(differs("groups: []", RULES.replace("alert: DiskFull", "alert: D"))) == "5 rules added"


def test_a_comment_fits_and_its_fence_holds() -> None:
    """Backticks in rules do not end the block, and GitHub takes no more than 65,536 characters."""
    rules = [{"alert": f"A{i}", "expr": "up > 1", "annotations": {"a": "```" + "x" * 200}} for i in range(500)]
    old = yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]})
    comment = as_markdown(differs(old, old.replace("xxx", "yyy")), "Rules")
    assert len(comment) < LONGEST + 500 < 65_536
    assert comment.count("\n````\n") == 1
    assert "lines more" in comment


ODD: list[tuple[str, Callable[[Tree], object]]] = [
    ("an expression that is no PromQL", lambda rule: rule.update(expr="sum( by")),
    ("a duration that is none", lambda rule: rule.update({"for": "5 minutes"})),
    ("a rule without a name", lambda rule: rule.pop("alert")),
    ("an annotation that is a list", lambda rule: rule.update(annotations=["a"])),
    ("labels that are a text", lambda rule: rule.update(expr="up == 2", labels="a")),
]


@pytest.mark.parametrize(("what", "spoil"), ODD, ids=[what for what, _ in ODD])
def test_what_cannot_be_read_still_differs(what: str, spoil: Callable[[Tree], object]) -> None:
    """A place may hold what Tocsin cannot read: it is seen to be otherwise, and equal to itself."""
    tree = yaml.safe_load(RULES)
    spoil(tree["groups"][1]["rules"][0])
    spoiled = yaml.safe_dump(tree)
    found = differs(RULES, spoiled)
    assert (bool(found), bool(differs(spoiled, spoiled))) == (what != "an annotation that is a list", False)
