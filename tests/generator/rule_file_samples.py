"""Valid rule files of every kind, made by Hypothesis; and what a rule file says, told without any code of ours."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import strategies as st

from generator.dialect import as_parsed
from tocsin import duration, promql


class Plain(str):
    """A scalar that stands without quotes in the file."""


# What stands without quotes in somebody's file, and which text Prometheus takes it for.
PLAIN = {word: word for word in ("on", "yes", "True", "1e3", "1.10", "0x1F", "012", "1_000", "2024-01-01", "12:30:45")}
PLAIN |= {".inf": ".inf", "5": "5", "~": "", "null": ""}

EXPRESSIONS = [
    *(
        "up == 0",
        "vector(1)",
        "absent(up{job='a'})",
        "x < 1 or x > 2",
        "(x >= 1) <= 2",
        "x > bool 1",
        "1",
        "1e3",
        "0x1F",
    ),
    *(
        "sum by (job) (rate(e_total[5m])) / sum by (job) (rate(t_total[5m])) > 0.05",
        "a / b > 0.5",
        "(a + b) > 5",
        "x > -5",
        "x > 1e-7",
        "x < 1e300",
    ),
    "sum(rate(e_total[5m])) / sum(rate(t_total[5m])) > 0.01 and sum(rate(t_total[5m])) >= 10",
    'histogram_quantile(0.99, sum by (le, job) (rate(x_seconds_bucket{a!="b"}[10m]))) > 1.5',
    "histogram_quantile(0.9, sum by (job, le) (rate(x_seconds_bucket[5m]))) >= 1",
    *(
        '{"a.b", job="x"} > 1',
        'x{a=~"b|\\\\d+",c!=""} > 5 # why',
        "x\n# why\n  > 5",
        'x{a="$(b)"} > 1',
        'x{a="$$(b)"} == 2',
    ),
    *(
        "predict_linear(x[1h], 3600) < 0",
        "x offset 5m > x",
        "x @ 100 > 1",
        "max_over_time(rate(x[5m])[1h:1m]) > 1",
        "x[5m]",
    ),
    *("deriv(x[15m]) > 5 and count_over_time(x[15m:45s]) >= 16", "present_over_time(x[1h]) unless x", "x atan2 y > 1"),
    *(
        "time() - x > 86400",
        "sum(x) without (a, b) > 1",
        "x > y",
        "5 < x",
        "x > Inf",
        "- x > -0.1",
        "x{a=`b\\d`} > 1_000",
    ),
    *(
        "topk(5, x) > 1",
        'count_values("a b", x) > 1',
        'label_replace(x, "a", "$1", "b", "(.*)") > 1',
        "x == NaN",
        "scalar(x)",
    ),
]
TEMPLATES = [
    "{{ $value }}",
    "{{ $labels.job | title }} is {{ $value | humanize }}",
    "$(date) {{ $labels.a }}",
    "${x} $1 $$(y)",
]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(lambda text: "{{" not in text)
words = st.one_of(texts, st.sampled_from([*TEMPLATES, "no", "null", "- a", "# b", "a: b", "a\nb\n", " c\n\nd", "$(e)"]))
names = words.filter(lambda text: bool(text) and "\0" not in text)
label_names = st.one_of(
    st.sampled_from(["severity", "team", "alertname", "owner", "tocsin_for", "a.b", "ä", "on", "5"]), names
).filter(lambda name: name not in ("__name__", "job"))
durations = st.sampled_from(["0s", "5m", "1h30m", "90s", "250ms", "7d", "1w", "1y"])
values = st.one_of(words, st.sampled_from(list(PLAIN)).map(Plain))
mappings = st.dictionaries(label_names, values, max_size=3)


class _Dumper(yaml.SafeDumper):
    pass


def _plain(dumper: yaml.SafeDumper, value: Plain) -> yaml.ScalarNode:
    tag = dumper.resolve(yaml.ScalarNode, str(value), (True, False))  # type: ignore[no-untyped-call]
    return yaml.ScalarNode(tag, str(value))


_Dumper.add_representer(Plain, _plain)


def _optional(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


@st.composite
def _rule(draw: st.DrawFn) -> dict[str, Any]:
    expr = draw(st.one_of(st.sampled_from(EXPRESSIONS), st.sampled_from(["1", "0x1F", "1e3", "012"]).map(Plain)))
    if draw(st.booleans()):
        record = draw(st.sampled_from(["a:b", "job:x:rate5m", "ä.b", "on"]))
        return {"record": record, "expr": expr, **draw(_optional(labels=mappings))}
    about = _optional(**{"for": durations, "keep_firing_for": durations, "labels": mappings, "annotations": mappings})
    return {"alert": draw(st.one_of(st.sampled_from(["Down", "on", "A b"]), names)), "expr": expr, **draw(about)}


@st.composite
def rule_files(draw: st.DrawFn) -> dict[str, Any]:
    """A rule file as Prometheus 3.5 takes it, as plain data."""
    heads = draw(st.lists(names, max_size=3, unique=True))
    groups = []
    for name in heads:
        about = draw(_optional(interval=durations, query_offset=durations, limit=st.integers(-1, 99), labels=mappings))
        rules = draw(st.one_of(st.none(), st.lists(_rule(), max_size=4)))
        groups.append({"name": name, **about, **({} if rules is None else {"rules": rules})})
    return {"groups": groups}


def as_yaml(tree: Any, **style: Any) -> str:
    """The data as YAML, in a style of PyYAML's."""
    return str(yaml.dump(tree, Dumper=_Dumper, sort_keys=False, **style))


def meaning(tree: Any) -> Any:
    """What a rule file says to Prometheus: every default in place, expressions printed alike."""
    return [_group(group) for group in tree.get("groups") or ()]


def read(text: str) -> Any:
    """The same of a file's text; each scalar as it stands there."""
    return meaning(next(yaml.load_all(text, Loader=yaml.BaseLoader)))


def _group(group: dict[str, Any]) -> dict[str, Any]:
    offset = group.get("query_offset")
    return {
        "name": str(group["name"]),
        "interval": duration.parse(group.get("interval") or "0s"),
        "query_offset": None if offset is None else duration.parse(offset),
        "limit": max(int(float(group.get("limit", 0))), 0),
        "labels": _texts(group.get("labels")),
        "rules": [_told(rule) for rule in group.get("rules") or ()],
    }


def _told(rule: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": [key for key in ("alert", "record") if key in rule],
        "name": str(rule.get("alert", rule.get("record"))),
        "expr": promql.parse(as_parsed(str(rule["expr"]))).text,
        "for": duration.parse(rule.get("for") or "0s"),
        "keep_firing_for": duration.parse(rule.get("keep_firing_for") or "0s"),
        "labels": _texts(rule.get("labels")),
        "annotations": _texts(rule.get("annotations")),
    }


def _texts(values: Any) -> dict[str, str]:
    return {
        key: PLAIN.get(value, value) if isinstance(value, Plain) else value for key, value in (values or {}).items()
    }
