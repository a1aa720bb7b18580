"""Whether Twilio has signed a request: HMAC-SHA1 of the URL and the sorted fields of the form, by the account's token.

Source: twilio.com/docs/usage/security, "Validating Signatures from Twilio".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit


def signed(token: str, url: str, fields: Sequence[tuple[str, str]], given: str) -> bool:
    """Whether the signature is right, for the URL with its port or without: Twilio writes it either way."""
    body = "".join(name + value for name, value in sorted(set(fields)))
    results = [hmac.compare_digest(_signature(token, one + body), given.encode()) for one in _written(url)]
    return any(results)


def _signature(token: str, text: str) -> bytes:
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest())


def _written(url: str) -> Iterable[str]:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    rest = url[len(parts.scheme) + 3 + len(parts.netloc) :]
    return {url, f"{parts.scheme}://{name}{rest}", f"{parts.scheme}://{name}:{port}{rest}"}
