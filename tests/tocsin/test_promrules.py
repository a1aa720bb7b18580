"""What a server says of its rules and of its configuration."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tocsin.promapi import QueryError
from tocsin.promrules import ServedConfig, ServedGroup, decode_config, decode_rules

MINUTE = timedelta(minutes=1)


def _answer(**data: object) -> bytes:
    return json.dumps({"status": "success", "data": data}).encode()


def _groups(body: bytes) -> list[ServedGroup]:
    return decode_rules("http://p", 200, body)


def test_groups_as_prometheus_tells_them() -> None:
    """Durations in seconds, when each group was evaluated, its alerts; what is not told is empty."""
    rule = {"type": "alerting", "name": "A", "query": "up == 0", "duration": 90, "keepFiringFor": 60, "health": "err"}
    active = {"alerts": [{"activeAt": "2026-01-01T00:00:00Z", "state": "firing"}]}
    [group] = _groups(_answer(groups=[{"name": "g", "file": "f.yml", "interval": 15, "rules": [{**rule, **active}]}]))
    assert group.rules is not None
    [found] = group.rules
    assert (group.name, group.file, group.interval, group.last) == ("g", "f.yml", 15, None)
    assert (found.name, found.duration, found.keep_firing_for, found.labels) == ("A", 90, 60, None)
    assert [alert.active for alert in found.alerts or ()] == [datetime(2026, 1, 1, tzinfo=UTC)]


@pytest.mark.parametrize("groups", [None, []])
def test_no_rules(groups: object) -> None:
    """A server without rules says null or nothing."""
    assert _groups(_answer(groups=groups)) == []


@pytest.mark.parametrize(
    ("status", "body", "reason", "said"),
    [
        (401, b"", "unauthorized", "does not let us in"),
        (404, b"404 page not found", "not_prometheus", "which may need a path"),
        (503, b"away", "unavailable", "something else"),
        (200, b"<html>", "not_prometheus", "something else"),
        (200, b'{"status": "error", "error": "no ruler here"}', "refused", "no ruler here"),
        (429, b'{"status": "error", "error": "slow down"}', "unavailable", "slow down"),
        (200, _answer(groups=[{"rules": [{"name": "A", "duration": 1e300}]}]), "not_prometheus", "something else"),
        (200, _answer(groups=[{"interval": -5}]), "not_prometheus", "something else"),
    ],
)
def test_answers_that_tell_nothing(status: int, body: bytes, reason: str, said: str) -> None:
    """Each is a failure in words, of a kind that tells whether another server may know more."""
    with pytest.raises(QueryError, match=said) as refused:
        decode_rules("http://p", status, body)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("global: {evaluation_interval: 30s, rule_query_offset: 1m}", ServedConfig(MINUTE / 2, MINUTE)),
        ("global: {evaluation_interval: 1m}\nscrape_configs: []", ServedConfig(MINUTE)),
        ("global: {evaluation_interval: often}", ServedConfig()),
        ("global: 5", ServedConfig()),
        ("", ServedConfig()),
        ("{", ServedConfig()),
    ],
)
def test_what_a_configuration_says_of_all_groups(yaml: str, expected: ServedConfig) -> None:
    """Its interval and offset; what is not there, or is no duration, is not known."""
    assert decode_config("http://p", 200, _answer(yaml=yaml)) == expected
