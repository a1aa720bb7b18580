"""Problems as people and scripts read them."""

from __future__ import annotations

import json

import pytest

from tocsin.problem import Position, Problem, as_json, as_text, has_errors, summary

ERROR = Problem("value", "is wrong", Position("b.yml", 3, 7), hint="mend it", rule="NodeDown")
WARNING = Problem("style", "is odd", Position("a.yml", 12), severity="warning")
ADVICE = Problem("style", "could be better", Position("a.yml"), severity="info")


def test_text_is_sorted_by_place() -> None:
    """One line a problem, by file and line; the hint stands below."""
    assert as_text([ERROR, WARNING, ADVICE]).splitlines() == [
        "a.yml: info: could be better (style)",
        "a.yml:12: warning: is odd (style)",
        "b.yml:3:7: error: NodeDown: is wrong (value)",
        "    → mend it",
    ]


def test_json_is_as_promised() -> None:
    """The keys of DESIGN.md §9; what is unknown is 0 or empty; other keys may stand beside."""
    assert json.loads(as_json([ERROR], files=["x"])) == {
        "problems": [
            {
                "check": "value",
                "severity": "error",
                "file": "b.yml",
                "line": 3,
                "column": 7,
                "rule": "NodeDown",
                "message": "is wrong",
                "hint": "mend it",
            }
        ],
        "files": ["x"],
    }


@pytest.mark.parametrize(
    ("problems", "text", "errors"),
    [
        ([], "no problems", False),
        ([ADVICE], "no problems", False),
        ([WARNING], "1 warning", False),
        ([ERROR, WARNING, ERROR], "2 errors, 1 warning", True),
    ],
)
def test_summary(problems: list[Problem], text: str, errors: bool) -> None:
    """Errors and warnings are counted; only errors fail."""
    assert summary(problems) == text
    assert has_errors(problems) is errors
