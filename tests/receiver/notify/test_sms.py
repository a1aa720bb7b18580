"""Short messages: how many segments a text takes, and what is left of one that takes too many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.notify.sms import fitted, segments


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 10, 2),
        ("a" * 152 + "€" * 77, 3),  # the first does not tear a euro sign, so the second has no room for the last
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),  # 67 units hold 33 of them, and nothing of the next
    ],
)
def test_segments(text: str, count: int) -> None:
    """As 3GPP TS 23.038 and 23.040 count them."""
    assert segments(text) == count


def test_typography_does_not_halve_what_fits() -> None:
    """What the GSM alphabet lacks and can be written plainly is written plainly."""
    assert fitted("“a” – b…", "c", 1) == '"a" - b... c'


def test_what_must_be_whole_is_whole() -> None:
    """The head is shortened, the link and the hint stand at the end."""
    text = fitted("x" * 500, "https://tocsin.example.org/i/k3f9x2abcd Reply 1 473", 1)
    assert len(text) == 160
    assert text.endswith("xxx... https://tocsin.example.org/i/k3f9x2abcd Reply 1 473")


@given(st.text(max_size=700), st.text(max_size=40), st.integers(2, 4))
def test_always_fits(head: str, tail: str, most: int) -> None:
    """Whatever it is made of, it fits, on one line."""
    text = fitted(head, tail, most)
    assert segments(text) <= most
    assert text.isprintable()
