"""Whether an address that came from outside may be made a link."""

from __future__ import annotations

from urllib.parse import urlsplit

LONGEST = 500  # characters
NEVER = set("<>|\"'`\\^{}()[]")  # what ends a link in the markup of one medium or another


def web_link(url: str) -> str:
    """The address, if it is plainly one of a web page; else an empty text."""
    if len(url) > LONGEST or not url.isprintable() or not url.isascii() or any(c in NEVER or c == " " for c in url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc else ""
