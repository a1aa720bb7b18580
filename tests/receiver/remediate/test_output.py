"""What a step printed is bounded, and without secrets also where it is cut."""

from __future__ import annotations

import sys

import pytest

from receiver.remediate.output import MARGIN, Output, bounded
from receiver.remediate.step import MOST_OUTPUT


def test_broken_utf8_is_shown_as_broken() -> None:
    """A byte that is no text becomes the character for that."""
    output = Output()
    output.add(b"caf\xe9 \xff\xfe ok")
    assert output.text() == "caf\ufffd \ufffd\ufffd ok"


def test_output_without_end_costs_bounded_memory() -> None:
    """Of 200 MB the beginning and the end are kept, and less than 100 kB of memory."""
    output = Output()
    chunk = b"y\n" * 32_768
    output.add(b"first line\n")
    for _ in range(3_000):
        output.add(chunk)
    output.add(b"last line\n")
    held = sum(sys.getsizeof(part) for part in vars(output).values())
    text = output.text()
    assert held < 100_000
    assert text.startswith("first line\n")
    assert text.endswith("last line\n")
    assert f"… {output.size - MOST_OUTPUT:,} bytes left out …" in text
    assert len(text) < MOST_OUTPUT + 100


@pytest.mark.parametrize("size", [MOST_OUTPUT - 1, MOST_OUTPUT, MOST_OUTPUT + 1, MOST_OUTPUT + MARGIN, 5 * MARGIN])
@pytest.mark.parametrize("chunk", [1_000, 7_777, 100_000])
def test_the_ends_are_those_of_the_whole(size: int, chunk: int) -> None:
    """However it arrives, what is kept is its first and its last half."""
    data = bytes(65 + index % 26 for index in range(size))
    output = Output()
    for at in range(0, size, chunk):
        output.add(data[at : at + chunk])
    text, half = output.text(), MOST_OUTPUT // 2
    if size <= MOST_OUTPUT:
        assert text == data.decode()
    else:
        middle = f"\n… {size - MOST_OUTPUT:,} bytes left out …\n"
        assert text == data[:half].decode() + middle + data[-half:].decode()


@pytest.mark.parametrize("total", [MOST_OUTPUT + 100, 60_000])
@pytest.mark.parametrize("letter", ["x", "ü", "語"])
def test_a_secret_at_the_cut_is_masked_wherever_it_lies(total: int, letter: str) -> None:
    """No part of a secret is shown because the other part was left out."""
    half, secret = MOST_OUTPUT // 2, "S3CR3T-0123456789-abcdefghij"
    filler = letter.encode()
    for shift in range(0, len(secret) + 2, 3):
        for place in (half - shift, total - half - shift):
            before = (filler * (place // len(filler))).ljust(place, b" ")
            data = before + secret.encode() + filler * (total // len(filler))
            output = Output()
            output.add(data[:total])
            output.add(b"")
            text = output.text([secret])
            if place < total - half:
                assert not any(secret[at : at + 4] in text for at in range(len(secret) - 4))


def test_bounded_keeps_both_ends() -> None:
    """A text that is too long loses its middle, and says how much."""
    assert bounded("short") == "short"
    assert bounded("a" * 10 + "b" * 50 + "c" * 10, 20) == "a" * 10 + "\n… 50 bytes left out …\n" + "c" * 10
