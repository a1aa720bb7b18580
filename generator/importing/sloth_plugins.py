"""What those plugins of sloth's do that can be told from their configuration; others are programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from pydantic import Field

from generator.importing.sloth_spec import Interval, Labels, Plugin
from generator.importing.spec import Part, Reader
from tocsin import duration
from tocsin.yamltree import YamlPath

CORE = "sloth.dev/core/"  # what comes by itself
ALERT_FOR = "sloth.dev/contrib/alert_for/v1"
INTERVALS = "sloth.dev/contrib/rule_intervals/v1"
INFO = "sloth.dev/contrib/info_labels/v1"


class _Intervals(Part):
    interval: Interval


class _Info(Part):
    labels: Labels
    metric_name: str | None = Field(None, alias="metricName")


@dataclass(frozen=True, slots=True)
class Effects:
    """What is different by the plugins: whether `for` counts, how often is evaluated, labels of the information."""

    holds: bool = False
    interval: timedelta | None = None
    info_labels: Mapping[str, str] | None = None


def effects(chain: Sequence[tuple[Plugin, YamlPath]], reader: Reader) -> Effects | None:
    """What a chain of plugins does; None where it cannot be told."""
    done: Effects | None = Effects()
    for plugin, path in chain:
        after = _effect(plugin, path, done or Effects(), reader)
        done = after if done and after else None
    return done


def _effect(plugin: Plugin, path: YamlPath, before: Effects, reader: Reader) -> Effects | None:
    config = (*path, "config")
    if plugin.id == ALERT_FOR or (plugin.id.startswith(CORE) and not plugin.config):
        return replace(before, holds=before.holds or plugin.id == ALERT_FOR)
    if plugin.id == INTERVALS:
        given = reader.model(_Intervals, plugin.config or {}, config)
        return replace(before, interval=interval(given.interval, (*config, "interval"), reader)) if given else None
    info = reader.model(_Info, plugin.config or {}, config) if plugin.id == INFO else None
    if info and info.metric_name is None:
        return replace(before, info_labels={**(before.info_labels or {}), **info.labels})
    if info:
        hint = "remove metricName: sloth's dashboards know sloth_slo_info alone"
        reader.note("the series of information cannot be called otherwise", (*config, "metricName"), hint)
    elif plugin.id != INFO:
        message = f"the plugin {plugin.id!r} is a program of sloth's: what it changes cannot be read"
        reader.note(message, (*path, "id"), "remove it, and change in the pack what it would change in the rules")
    return None


def interval(given: Interval, path: YamlPath, reader: Reader) -> timedelta | None:
    """How often the rules are evaluated; the groups of one SLO have one interval."""
    whole = given.all or given.default
    each = {key: getattr(given, key) or whole for key in ("slierror", "metadata", "alert")}
    if len(set(each.values())) > 1:
        shown = ", ".join(f"{key} {duration.show(one) if one else 'by default'}" for key, one in each.items())
        hint = "give one interval for all, if this is not the one that you mean"
        chosen = each["slierror"]
        kept = duration.show(chosen) if chosen else "the server's"
        reader.note(f"the groups of an SLO have one interval, {kept}; not kept: {shown}", path, hint, "warning")
    return each["slierror"]
