"""From a runbook and an alert to a plan: what is refused, and that a value is never more than a value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from promql_parser import VectorSelector

from receiver.engine.occurrence import Occurrence
from receiver.engine.runs_planned import ApprovalTerms, Condition, RunPlan, Verification
from receiver.remediate.planning import fitting, fleet_of, planned
from receiver.remediate.taking import MOST_CHARACTERS
from receiver.remediate.values import Unfit
from tests.receiver.remediate.books import alert, runbook
from tocsin import promql

NOT_SAFE = [
    '"} or vector(1)',
    "-x",
    "$(reboot)",
    "$(namespace)",
    "shop\n",
    "shop\nreboot",
    "\nshop",
    "shop\x00",
    "shop\u2028x",
    "sh\u200bop",  # zero width
    "sh\u043ep",  # a Cyrillic o
    "\u202eshop",  # written from right to left
    "shop ",
    "shop;reboot",
    "shop`id`",
    "{{ lookup('pipe','reboot') }}",
    "x" * 1_000_000,
    "x" * 129,
]
GUARD = {
    "name": "some are up",
    "expr": 'sum(up{job="kube"}) - sum(rate(x[5m] offset 1h)) or min_over_time(a{b="c" or d="e"}[1h:1m])',
    "where": {"namespace": "$(namespace)", "of": "a $(namespace) of $(deployment)"},
    "above": 0,
}


def test_a_plan() -> None:
    """Everything that will be done stands in the plan, down to the last argument."""
    book = runbook(
        params={"grace": 30, "force": False, "factor": 1.0, "why": "it crashes"},
        steps=[
            {"exec": {"command": ["/bin/restart", "$(namespace)", "--grace=$(grace)", "$(force) $(factor) $(why)"]}},
            {"wait": {"for": "10s"}, "rollback": {"exec": {"command": ["/bin/undo", "$(deployment)"]}}},
        ],
        guards=[GUARD | {"expr": "sum(ready)"}],
        verify={"conditions": [{"expr": "sum(ready)", "at_least": 2}], "within": "2m"},
        approval={"role": "admin", "count": 2},
        mode="apply",
        by_hand="5m",
        hold_page="1m",
    )
    plan = planned(book, alert())
    assert [one.action.arguments.get("command") for one in plan.steps] == [
        ["/bin/restart", "shop", "--grace=30", "false 1 it crashes"],
        None,
    ]
    undo = plan.steps[1].rollback
    assert undo is not None
    assert undo.does == "run /bin/undo checkout"
    assert (plan.runbook, plan.runbook_hash, plan.target) == ("restart", book.hash, "shop/checkout")
    assert (plan.alert, plan.alert_name, plan.severity) == ("a1", "CrashLooping", "critical")
    assert plan.values == (("deployment", "checkout"), ("namespace", "shop"))
    expr = 'sum(ready{namespace="shop",of="a shop of checkout"})'
    assert plan.guards == (Condition("some are up", promql.parse(expr).text, above=0),)
    checked = (Condition("sum(ready)", "sum(ready)", at_least=2),)
    assert plan.verification == Verification(checked, timedelta(minutes=2), timedelta(seconds=15))
    assert plan.approval == ApprovalTerms("admin", 2)
    assert (plan.dry_run, plan.holds_page, plan.by_hand) == (False, False, timedelta(minutes=5))


@pytest.mark.parametrize("value", NOT_SAFE, ids=ascii)
def test_a_label_that_does_not_fit_refuses_the_run(value: str) -> None:
    """Only what is plain to see, and what nobody takes for an option, a shell's word or another line, is taken."""
    with pytest.raises(Unfit, match=r"^\$\(namespace\): the label namespace is ") as refused:
        planned(runbook(), alert({"namespace": value}))
    assert str(refused.value).isascii()
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("web-[0-9]+", "web-1", True),
        ("web-[0-9]+", "web-1x", False),
        ("web-[0-9]+", "xweb-1", False),
        ("web|db", "web", True),
        ("web|db", "webdb", False),
        ("^web$", "web", True),
        ("(?m)^web$", "web\nreboot", False),
        ("(?s).*", "web\nreboot", False),
        ("[^/]+", "web\nreboot", False),
        ("[^/]+", "web reboot", True),
        ("[^/]*", "", False),
        (r"\w+", "caf\u00e9", False),
        (r"\pL+", "caf\u00e9", True),
        ("(a+)+b", "a" * 900, False),
        (".*", "x" * MOST_CHARACTERS, True),
        (".*", "x" * (MOST_CHARACTERS + 1), False),
    ],
)
def test_a_pattern_is_about_the_whole_value(pattern: str, value: str, fits: bool) -> None:
    """Patterns are RE2's, fit from the first to the last character, and let no line end in."""
    book = runbook(
        values={"host": {"label": "instance", "pattern": pattern}},
        target={"is": "web", "allow": ["web"]},
        steps=[{"exec": {"command": ["/bin/restart", "--host=$(host)"]}}],
    )
    if fits:
        assert planned(book, alert({"instance": value})).values == (("host", value),)
        return
    with pytest.raises(Unfit, match=r"\$\(host\)"):
        planned(book, alert({"instance": value}))


def test_a_value_that_is_missing_refuses_the_run() -> None:
    """The message names the label, or the annotation, that the alert has not."""
    with pytest.raises(Unfit, match=r"^\$\(namespace\): the alert has no label namespace$"):
        planned(runbook(), alert({"namespace": ""}))
    book = runbook(values={"namespace": {"annotation": "where"}, "deployment": {"annotation": "host"}})
    with pytest.raises(Unfit, match="the alert has no annotation where"):
        planned(book, alert())


@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        ({"allow": ["shop/checkout"]}, None),
        ({"allow": ["shop/cart", "shop/checkout"]}, None),
        ({"allow_matching": ["shop/.+"]}, None),
        ({"allow_matching": ["shop", "shop/check"]}, "is not among those"),
        ({"allow_matching": ["hop/checkout"]}, "is not among those"),
        ({"allow": ["shop/.*"]}, "is not among those"),
        ({"allow": ["SHOP/CHECKOUT"]}, "is not among those"),
        ({}, r"may work on nothing yet: name its targets in remediation\.runbooks\.restart\.allow: \[shop/checkout\]"),
    ],
)
def test_only_what_is_allowed_is_worked_on(target: dict[str, Any], refusal: str | None) -> None:
    """A target stands in `allow` letter by letter, or fits a pattern as a whole; an empty list allows nothing."""
    book = runbook(target={"is": "$(namespace)/$(deployment)", **target})
    if refusal is None:
        assert planned(book, alert()).target == "shop/checkout"
        return
    with pytest.raises(Unfit, match=refusal):
        planned(book, alert())


def test_a_target_cannot_pass_for_another() -> None:
    """What stands between two values stands in neither: else shop/web/api could be two things."""
    book = runbook(target={"is": "$(namespace)/$(deployment)", "allow_matching": ["shop/.*"]})
    for labels in ({"namespace": "shop/web", "deployment": "api"}, {"namespace": "shop", "deployment": "web/api"}):
        with pytest.raises(Unfit, match="could mean another target"):
            planned(book, alert(labels))
    assert planned(book, alert({"deployment": "a.b:c@d"})).target == "shop/a.b:c@d"


@pytest.mark.parametrize(
    ("mode", "asked", "dry"),
    [
        ("dry-run", None, True),
        ("dry-run", True, True),
        ("dry-run", False, True),
        ("apply", None, False),
        ("apply", True, True),
        ("apply", False, False),
    ],
)
def test_a_dry_run_is_never_turned_into_a_real_one(mode: str, asked: bool | None, dry: bool) -> None:
    """Whoever asks can have less than the runbook does, never more."""
    assert planned(runbook(mode=mode), alert(), dry_run=asked).dry_run is dry


def test_the_page_waits_only_for_what_acts_by_itself() -> None:
    """A dry run, an approval, a runbook that people begin: none of them holds a page back."""
    held: dict[str, Any] = {"mode": "apply", "hold_page": "2m"}
    assert runbook(**held).hold == timedelta(minutes=2)
    assert planned(runbook(**held), alert()).holds_page
    assert not planned(runbook(**held), alert(), dry_run=True).holds_page
    others: list[dict[str, Any]] = [{"mode": "dry-run"}, {"automatic": False}, {"approval": {}}]
    for more in others:
        assert runbook(**{**held, **more}).hold == timedelta()
        assert not planned(runbook(**{**held, **more}), alert()).holds_page


def test_the_size_of_a_fleet() -> None:
    """Its name and its expression are about the plan's own values, when they are needed again."""
    fleet = {"name": "$(namespace)", "share": 0.1, "expr": "count(up)", "where": {"ns": "$(namespace)"}, "within": "2h"}
    book = runbook(target={"is": "$(namespace)/$(deployment)", "allow": ["shop/checkout"], "fleet": fleet})
    plan = planned(book, alert())
    found = fleet_of(book, plan)
    assert found is not None
    assert (plan.fleet, found.name, found.share, found.size) == ("shop", "shop", 0.1, None)
    assert (found.expr, found.within) == ('count(up{ns="shop"})', timedelta(hours=2))
    assert fleet_of(runbook(), planned(runbook(), alert())) is None


def test_which_runbooks_fit() -> None:
    """Automatic ones, for alerts that fire, for their tenants; of several alerts about one target the first."""
    different: dict[str, dict[str, Any]] = {
        "b": {},
        "a": {"tenants": ["acme"]},
        "by-hand": {"automatic": False},
        "other": {"match": ['alertname="Other"']},
    }
    books = {name: runbook(metadata={"name": name}, **more) for name, more in different.items()}
    ended = datetime(2026, 3, 2, tzinfo=UTC)
    occurrences = [
        alert(id="over", ends_at=ended),
        alert(id="first"),
        alert({"pod": "another"}, id="same"),
        alert({"deployment": "cart"}, id="cart"),
        alert({"deployment": "-x"}, id="hostile"),
        alert({"deployment": "-y"}, id="hostile, too"),
        alert(id="acme", tenant="acme"),
    ]
    found = [(book.name, one.id) for book, one in fitting(books, occurrences)]
    assert found == [("a", "acme"), ("b", "first"), ("b", "cart"), ("b", "hostile")]


def _told(labels: dict[str, str], pattern: str = "(?s).*") -> tuple[RunPlan | None, Occurrence]:
    """The plan for an alert whose labels may be anything."""
    taken = {name: {"label": name, "pattern": pattern} for name in ("namespace", "deployment")}
    book = runbook(
        values=taken,
        target={"is": "it", "allow": ["it"]},
        guards=[GUARD],
        steps=[{"exec": {"command": ["/bin/do", "--namespace=$(namespace)", "--of=$(deployment)"]}}],
    )
    occurrence = alert(labels)
    try:
        return planned(book, occurrence), occurrence
    except Unfit:
        return None, occurrence


def _shape(expr: str) -> list[Any]:
    """The tree without the values of its matchers."""
    nodes: list[Any] = []
    for node in promql.walk(promql_parser.parse(expr)):
        if isinstance(node, VectorSelector):
            groups = [node.matchers.matchers, *node.matchers.or_matchers]
            nodes.append((node.name, [sorted((str(one.op), one.name) for one in group) for group in groups]))
        else:
            nodes.append(type(node).__name__)
    return nodes


HOSTILE = st.sampled_from(
    ['"} or vector(1) #', "'", "`", "\\", '\\"', "$(deployment)", "{{x}}", '",b="', "=~.*", "!=", "\u00e9", "%s", " "]
)
LABEL = st.one_of(st.text(min_size=1, max_size=40), st.lists(HOSTILE, min_size=1, max_size=6).map("".join))


@given(LABEL, LABEL)
def test_a_value_is_never_more_than_a_matchers_value(namespace: str, deployment: str) -> None:
    """Whatever labels hold: a guard is the same tree with other values, and an argument holds them letter by letter."""
    plan, _ = _told({"namespace": namespace, "deployment": deployment})
    if plan is None:
        assert not (namespace.isprintable() and deployment.isprintable())
        return
    plain, _ = _told({})
    assert plain is not None
    (guard,), (usual,) = plan.guards, plain.guards
    assert _shape(guard.expr) == _shape(usual.expr)
    selectors = [node for node in promql.walk(promql_parser.parse(guard.expr)) if isinstance(node, VectorSelector)]
    assert len(selectors) == 3
    for selector in selectors:
        for group in selector.matchers.or_matchers or [selector.matchers.matchers]:
            found = {(str(one.op), one.name): one.value for one in group}
            assert found["MatchOp.Equal", "namespace"] == namespace
            assert found["MatchOp.Equal", "of"] == f"a {namespace} of {deployment}"
    assert plan.steps[0].action.arguments["command"] == [
        "/bin/do",
        f"--namespace={namespace}",
        f"--of={deployment}",
    ]


@given(LABEL)
def test_no_text_passes_unchecked(value: str) -> None:
    """With the pattern that values have where none is said, what reaches a step is plain ASCII without blanks."""
    plan, _ = _told({"namespace": value}, pattern="[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
    assert plan is None or (value.isascii() and value[0].isalnum() and " " not in value and '"' not in value)


def test_a_plan_is_named_by_what_it_does() -> None:
    """The hash that people approve changes with a value, a guard and the runbook's text, and with nothing else."""
    plan = planned(runbook(), alert())
    assert planned(runbook(), alert({"pod": "x"})).hash == plan.hash
    changed = [
        planned(runbook(by_hand="1m"), alert()),
        planned(runbook(guards=[GUARD]), alert()),
        planned(runbook({"allow": ["shop/checkout", "x"]}), alert()),
        planned(runbook(target={"is": "it", "allow": ["it"]}), alert({"namespace": "b"})),
    ]
    assert len({plan.hash, *(one.hash for one in changed)}) == 5
