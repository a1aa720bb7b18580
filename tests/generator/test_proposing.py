"""Cases are found for alerts of every kind, at the limit itself, and a real promtool finds them true."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.gathering import gather
from generator.inlining import recorded
from generator.proof import promtool as runner
from generator.proof import run
from generator.proof.case import Case, Proposal
from generator.proof.propose import propose
from generator.rule import Pack
from generator.templates import TEMPLATES
from tests import real
from tests.generator.foreign import rules
from tests.generator.packs import pack
from tocsin.errors import MissingExtra

MINUTE = timedelta(minutes=1)
HERE = Path(__file__).parent
WELL_KNOWN = HERE / "well_known.yml"
RHYTHMS = HERE / "rhythms.yml"
GOLDEN = HERE.parent / "golden/packs"

# Each would need two series that differ in a label which is grouped by, or whose values are told apart.
BEYOND = {"KubeVersionMismatch", "AlertmanagerConfigInconsistent"}

# What lies outside of a band around earlier seasons, where nothing says how far off matters: that takes noise.
NOISY = {"LoginsUnusual", "LoginsMissing"}


def _proposals(packs: Sequence[Pack]) -> dict[str, Proposal]:
    records = recorded(packs, MINUTE)
    return {
        rule.name: propose(rule, group, records, MINUTE)
        for one in packs
        for group in one.groups
        for rule in group.rules
        if rule.kind == "alert"
    }


def _proposal(folder: Path, expr: str, **keys: str) -> Proposal:
    """What is found for one alert of a plain rule file."""
    given = ", ".join(f"{key.rstrip('_')}: {value}" for key, value in keys.items())
    (folder / "rules.yml").write_text(rules(f"{{alert: Test, expr: '{expr}', {given}}}"))
    return _proposals(gather([folder / "rules.yml"]).packs)["Test"]


def _unproven(promtool: Path, *paths: Path) -> dict[str, str]:
    """The alerts that the whole command would not call proven, and why."""
    options = run.Options(runner.find(str(promtool), timedelta(minutes=3)), MINUTE)
    report = run.tested(list(paths), options, lambda done, total: None)
    return {
        verdict.rule.name: f"{verdict.status}: {[finding.why for finding in verdict.findings]}"
        for verdict in report.verdicts
        if verdict.status != "proven"
    }


@pytest.mark.real
@pytest.mark.slow
def test_well_known_alerts_are_proven(promtool: Path) -> None:
    """Rules of kubernetes-mixin, node-mixin, prometheus-mixin and people's collections, as they are."""
    assert set(_unproven(promtool, WELL_KNOWN)) <= BEYOND


@pytest.mark.real
@pytest.mark.slow
def test_rules_are_proven_in_every_rhythm(promtool: Path) -> None:
    """Evaluated every 15 seconds or every half hour, late, kept firing: the time is the one that promtool finds."""
    assert _unproven(promtool, RHYTHMS) == {}


@pytest.mark.real
@pytest.mark.slow
def test_every_template_is_proven(promtool: Path, tmp_path: Path) -> None:
    """The example that each template's page begins with; a heartbeat cannot be silent, and fires."""
    (tmp_path / "pack.yml").write_text(pack("\n".join(template.example for template in TEMPLATES.values())))
    assert _unproven(promtool, tmp_path / "pack.yml") == {}


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("name", ["judging.yml", "slo.yml", "anomaly.yml"])
def test_templates_are_proven_in_all_their_modes(name: str) -> None:
    """Every mode of the templates, SLOs of all kinds; native histograms, where promtool knows them."""
    assert set(_unproven(real.pair("current").promtool, GOLDEN / name)) <= NOISY


def _at_most(limit: str) -> st.SearchStrategy[float]:
    return st.floats(0.001, float(limit)).map(lambda value: float(f"{value:.3g}"))


FACTS = st.one_of(
    st.builds("threshold: {{expr: some_value, above: {}}}".format, _at_most("1e6")),
    st.builds("threshold: {{expr: sum by (job) (some_value), below: {}}}".format, _at_most("1e6")),
    st.builds("threshold: {{expr: 'rate(some_total[5m])', at_least: {}}}".format, _at_most("1e4")),
    st.builds("range: {{expr: some_value, low: {}, high: 2000}}".format, _at_most("1e3")),
    st.builds("range: {{expr: some_value, low: -5, high: {}, fires: inside}}".format, _at_most("1e3")),
    st.builds(
        "ratio: {{errors: 'rate(bad_total[5m])', total: 'rate(all_total[5m])', above: {}, minimum: {}}}".format,
        _at_most("0.9"),
        _at_most("10"),
    ),
    st.builds("rate_of_change: {{expr: some_value, window: 10m, rises_faster_than: {}}}".format, _at_most("100")),
    st.builds(
        "quantile: {{histogram: some_seconds, quantile: {}, above: {}}}".format, _at_most("0.99"), _at_most("30")
    ),
)


@pytest.mark.real
@pytest.mark.slow
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=st.lists(st.tuples(FACTS, st.integers(0, 9)), min_size=8, max_size=12))
def test_any_facts_are_proven(facts: list[tuple[str, int]], tmp_path: Path) -> None:
    """Whatever the limit and however long it must hold, promtool finds the alert to fire at the very minute."""
    items = [
        f"- {{alert: Test{number}, {fact}, for: {hold}m, severity: info, summary: It happens}}"
        for number, (fact, hold) in enumerate(facts)
    ]
    (tmp_path / "pack.yml").write_text(pack("\n".join(items)))
    assert _unproven(real.pair("current").promtool, tmp_path / "pack.yml") == {}


LIMITS = [
    ("some_value > 90", "91", "90"),
    ("some_value >= 90", "90", "89"),
    ("some_value < 0.05", "0.049", "0.0505"),
    ("up == 0", "0", "1"),
    ("failed > 0", "1", "0"),
    ("100 * free / size < 10", "9", "10"),
]


@pytest.mark.parametrize(("expr", "beyond", "just_below"), LIMITS)
def test_values_lie_at_the_limit(expr: str, beyond: str, just_below: str, tmp_path: Path) -> None:
    """One case is just beyond the limit and begins just below it; another stays there."""
    fires, silent, *_ = _proposal(tmp_path, expr).cases
    assert next(iter(silent.series.values())).partition("x")[0] == just_below
    before, after = (text.partition("x")[0] for text in next(iter(fires.series.values())).split())
    assert (before, after) == (just_below, beyond)


def test_a_case_fires_after_its_for(tmp_path: Path) -> None:
    """The condition begins with the fourth sample; silent is the evaluation before the alert fires."""
    [fires, _] = _proposal(tmp_path, "some_value > 90", for_="5m").cases
    assert (fires.fires, fires.silent) == ((8 * MINUTE, 9 * MINUTE), (7 * MINUTE,))
    assert fires.series == {"some_value": "90x2 91x9"}


def test_firing_that_is_kept_ends_when_it_may(tmp_path: Path) -> None:
    """A third case shows the last evaluation at which the alert still fires, and the first at which it does not."""
    *_, ends = _proposal(tmp_path, "some_value > 90", keep_firing_for="5m").cases
    assert (ends.fires, ends.silent) == ((10 * MINUTE,), (11 * MINUTE,))


def test_each_condition_of_several_has_a_silent_case(tmp_path: Path) -> None:
    """What holds all but one of the conditions does not fire."""
    proposal = _proposal(tmp_path, "free < 5 and readonly == 0 unless maintenance == 1")
    silent = [case.name for case in proposal.cases if not case.fires]
    assert silent == ["silent: free at 5", "silent: readonly at 1", "silent: maintenance at 1"]


def test_series_bear_what_messages_speak_of(tmp_path: Path) -> None:
    """A label that an annotation mentions has a value, so that the message can be read."""
    [fires, _] = _proposal(tmp_path, "disk_errors > 5", annotations='{summary: "{{ $labels.device }} fails"}').cases
    assert list(fires.series) == ['disk_errors{device="sda"}']


def test_selectors_of_one_metric_have_series_of_their_own(tmp_path: Path) -> None:
    """Errors are among the total, and the rest of the total are none."""
    [fires, *_] = _proposal(
        tmp_path, 'sum(rate(requests_total{code=~"5.."}[5m])) / sum(rate(requests_total[5m])) > 0.1'
    ).cases
    assert set(fires.series) == {'requests_total{code="500"}', 'requests_total{code="200"}'}


def test_absence_is_proven_by_what_goes(tmp_path: Path) -> None:
    """A series that goes stale makes it fire; one that is there keeps it silent."""
    [fires, silent, *_] = _proposal(tmp_path, 'absent(up{job="api"})').cases
    assert [one.series for one in (fires, silent)] == [{'up{job="api"}': "1x2 stale"}, {'up{job="api"}': "1x6"}]


def test_a_heartbeat_has_one_case(tmp_path: Path) -> None:
    """Nothing keeps it silent, and that is said."""
    proposal = _proposal(tmp_path, "vector(1)")
    assert [(case.fires, case.silent) for case in proposal.cases] == [((0 * MINUTE, MINUTE), ())]
    assert proposal.why == "nothing keeps it from firing, so there is no case in which it is silent"


def test_the_same_cases_are_found_again(tmp_path: Path) -> None:
    """What a kept test holds does not change from one run to the next."""
    expr = "rate(a_total[5m]) > 2 * b or delta(c[10m]) > 7"
    first, second = (_proposal(tmp_path, expr).cases for _ in range(2))
    assert first == second != ()


HOSTILE = [
    "up > 1 and up < 1",
    "holt_the_door > NaN",
    "sum_over_time(a[1w:1s]) > 1",
    "max_over_time(max_over_time(max_over_time(a[2d:1m])[2d:1m])[2d:1m]) > 1",
    'a{b=~"[^\\\\x00-\\\\x{10FFFF}]"} > 1',
    'a{b="x",b="y"} > 1',
    "info(a) > 1",
    "a offset 1y > 1",
    " + ".join(f"a{number}" for number in range(100)) + " > 5",
    "(" * 60 + "a" + ")" * 60 + " > 1",
    "1 + 1",
    "a > 1e300",
    "histogram_quantile(0.9, histogram_quantile(0.9, a)) < 1e300",
    "(topk(2, a) unless ignoring (y) histogram_quantile(0.9, a offset -1m)) == 0.5",
]


@pytest.mark.slow
@pytest.mark.parametrize("expr", HOSTILE, ids=range(len(HOSTILE)))
def test_what_cannot_be_proven_says_why(expr: str, tmp_path: Path) -> None:
    """No expression is an error, and none takes for ever."""
    proposal = _proposal(tmp_path, expr)
    assert proposal.cases or proposal.why.endswith("give tests: in the pack, with series at which it fires")


def test_without_numpy_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The core installs without it."""
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(MissingExtra, match="numpy is not installed"):
        _proposal(tmp_path, "up == 0")


def test_cases_hold_what_they_promise() -> None:
    """Every case of the well-known alerts names a time, has a name of its own, and fires after it was silent."""
    for name, proposal in _proposals(gather([WELL_KNOWN]).packs).items():
        names = [case.name for case in proposal.cases]
        assert len(set(names)) == len(names), name
        assert all(_is_whole(case) for case in proposal.cases), name


def _is_whole(case: Case) -> bool:
    if not case.fires:
        return bool(case.silent)
    return not case.silent or max(case.silent) < min(case.fires) or "goes on" in case.name
