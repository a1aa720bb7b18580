"""PromQL as Prometheus takes it, put into the words of our parser, which knows a little less; and its relatives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(
    r"""(?P<kept>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\#[^\n]*)|(?P<raw>`[^`]*`)|(?P<old>\bholt_winters(?=\s*\())"""
    r"""|(?P<parts>(?<![\w.])[0-9][0-9a-fA-FxX]*(?:_[0-9a-fA-F]+)+)|(?P<none>\boffset\s+-?(?:0+(?:ms|[smhdwy]))+(?!\w))""",
    re.IGNORECASE,
)
STRANGE = re.compile(r"`|holt_winters|[0-9]_|offset\s+-?0", re.IGNORECASE)  # most texts have none of it
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})


def as_parsed(text: str) -> str:
    """The expression with raw strings quoted, `_` out of numbers, `offset 0s` left out, and 3.0's name of a function.

    `holt_winters` was valid before Prometheus 3.0; its younger name has the same form.
    """
    return TOKEN.sub(_word, text) if STRANGE.search(text) else text


def _word(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "raw":
            return '"' + found[0][1:-1].translate(ESCAPES) + '"'
        case "old":
            return "double_exponential_smoothing"
        case "parts":
            return found[0].replace("_", "")
        case "none":
            return ""
    return found[0]


@dataclass(frozen=True, slots=True)
class Language:
    """A query language that looks like PromQL: whose rules it stands in, and what to do about them."""

    name: str
    whose: str
    hint: str
    way_out: str


LOGQL = Language("LogQL", "Loki's", "check them by lokitool", "PromQL has no pipes; move the rule to Loki's ruler")
METRICSQL = Language(
    "MetricsQL", "VictoriaMetrics's", "check them by vmalert -dryRun", "write it in PromQL, or move the rule to vmalert"
)
# Pipes, and filters of lines behind a selector. (grafana/loki: pkg/logql/syntax)
OF_LOGQL = re.compile(
    r"""\|=|\|~|\|>|\}\s*(?:!=|!~|!>)\s*["`(]|\|\s*(?:json|logfmt|regexp|pattern|unpack|decolorize|drop|keep|line_format"""
    r"""|label_format|unwrap|[a-zA-Z_]\w*\s*(?:=|!=|>|<|=~|!~))"""
)
# Words that PromQL has not. (VictoriaMetrics/metricsql: parser.go, rollup.go, transform.go, aggr.go)
OF_METRICSQL = re.compile(
    r"""\b(?:default|if|ifnot|keep_metric_names)\b|\bwith\s*\(|\[[0-9.]*i\b|\blimit\s+[0-9]+\s*$"""
    r"""|\b(?:rollup\w*|range_\w+|running_\w+|median|median_over_time|any|union|share|zscore|outliers\w*|topk_(?:min|max|avg|median|last)"""
    r"""|bottomk_(?:min|max|avg|median|last)|increase_pure|increases_over_time|decreases_over_time|aggr_over_time|lag|lifetime"""
    r"""|scrape_interval|tfirst_over_time|tlast_over_time|distinct_over_time|distinct|count_(?:eq|ne|gt|le)_over_time"""
    r"""|share_(?:eq|gt|le)_over_time|hoeffding_bound\w*|label_(?:set|map|del|keep|copy|move|transform|value|match)"""
    r"""|histogram_over_time|histogram_share|prometheus_buckets|buckets_limit|quantiles|quantiles_over_time|interpolate"""
    r"""|remove_resets|smooth_exponential|ttf|timezone_offset|integrate|ideriv|zscore_over_time|mode|mode_over_time|sum2|geomean)\s*\(""",
    re.IGNORECASE,
)


def language_of(text: str, document: Any) -> Language | None:
    """The language of an expression that is no PromQL; of a VMRule it is MetricsQL, as long as nothing else is seen."""
    if OF_LOGQL.search(text):
        return LOGQL
    quotes = re.sub(r"""\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'""", '""', text)
    vmrule = isinstance(document, dict) and document.get("kind") == "VMRule"
    return METRICSQL if vmrule or OF_METRICSQL.search(quotes) else None


def remarks(text: str) -> list[str]:
    """The comments of an expression, which our parser leaves out, without their `#`."""
    return [found[0][1:] for found in TOKEN.finditer(text) if found[0][0] == "#"] if "#" in text else []


def is_renamed(text: str) -> bool:
    """Whether `as_parsed` gives a function another name, which older servers do not know."""
    return "holt_winters" in text.lower() and any(found.lastgroup == "old" for found in TOKEN.finditer(text))
