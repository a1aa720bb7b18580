"""What others say is harmless when it is shown, and without secrets."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.masking import MASK, harmless, masked

SECRET = "hunter2 with/blanks+ünd=signs"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nq83vEjRWeJA=\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        "hunter2\x1b[0m with/blanks+ünd=signs",
    ],
)
def test_a_secret_is_masked_in_every_form(shown: str) -> None:
    """However a program prints it: as it is, for a URL, in JSON, as base64 or hexadecimal, with colours in it."""
    text = masked(f"before {shown} after", [SECRET])
    assert MASK in text
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert "hunter2" not in text


@pytest.mark.parametrize("user", ["u", "us", "use", "user"])
def test_a_secret_inside_other_base64_is_masked(user: str) -> None:
    """`user:password` of basic authentication, wherever the password begins in it."""
    encoded = base64.b64encode(f"{user}:{SECRET}".encode()).decode()
    assert encoded[8:-8] not in masked(encoded, [SECRET])


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password=hunter2 user=x", "hunter2"),
        ('{"password": "hun ter2", "a": 1}', "hun ter2"),
        ("PASSWORD: hunter2", "hunter2"),
        ("db_password='hun ter2'", "hun ter2"),
        ("client_secret => hunter2", "hunter2"),
        ("mysql --password hunter2 -h db", "hunter2"),
        ("--db-password hunter2", "hunter2"),
        ("api_key=hunter2&x=1", "hunter2"),
        ("Authorization: Bearer abc.def hunter2", "hunter2"),
        ("> authorization: Basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"),
        ('curl -H "Authorization: Token hunter2"', "hunter2"),
        ("Set-Cookie: session=hunter2; Path=/", "hunter2"),
        ("postgres://app:hunter2@db/x", "hunter2"),
        ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIiOiIxIn0"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_abc"),
        (PEM, "MIIEowIBAAKCAQEA"),
        (PEM.partition("q83v")[0], "MIIEowIBAAKCAQEA"),
        (PEM.partition("KEY-----\n")[2], "q83vEjRWeJA"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, secret: str) -> None:
    """Passwords, tokens and keys are known by what stands around them, also those that nobody told us of."""
    assert secret in text
    assert secret not in masked(text)
    assert MASK in masked(text)


@pytest.mark.parametrize(
    "text",
    ["rotated 3 files in /var/log", "tokens: 5", "passed: 3", "https://example.org:8080/x", "secrets.yml is there", ""],
)
def test_other_text_stays(text: str) -> None:
    """What holds no secret is kept as it is."""
    assert masked(text, ["", "abc", "  s "]) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("10%\r20%\r\ndone", "10%\n20%\ndone"),
        ("\u202egnp.exe", "\N{REPLACEMENT CHARACTER}gnp.exe"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
        ("tab\tand\nline ü 🚀", "tab\tand\nline ü 🚀"),
    ],
)
def test_control_characters_do_no_harm(raw: str, shown: str) -> None:
    """No terminal obeys, no direction of writing turns, and every store can keep it."""
    assert harmless(raw) == shown
    assert masked(raw).encode("utf-8").decode() == shown


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_can_be_kept(text: str, secrets: list[str]) -> None:
    """Whatever is printed and whatever the secrets are, the result is UTF-8 and holds no secret."""
    kept = masked(text, secrets)
    kept.encode("utf-8")
    for secret in secrets:
        if len(secret) >= 4 and secret not in MASK and MASK not in secret:
            assert secret not in kept.split(MASK)


def test_masking_hostile_text_is_quick() -> None:
    """Text made to keep patterns busy takes no longer than other text."""
    hostile = [
        "password" * 5_000,
        "-----BEGIN PRIVATE KEY-----" * 1_000,
        "a://" + "b" * 30_000,
        "eyJ" + "A" * 30_000 + ".",
    ]
    began = time.process_time()
    for text in (*hostile, "authorization: " * 2_000, "-" * 30_000, "--a-" * 8_000, "\x1b]" * 15_000):
        masked(text, ["aaaa"])
    assert time.process_time() - began < 2
