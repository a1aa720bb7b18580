"""Pages for people: one frame, a style of their own, and nothing that a browser would fetch or run."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property
from html import escape

from aiohttp import web

PLAIN = (
    ":root{color-scheme:light dark}"
    "body{margin:0 auto;padding:1rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "p{margin:.5rem 0}code{font-size:.9rem}"
)


@dataclass(frozen=True)
class Look:
    """How a page looks; `sends`: whether it has forms."""

    style: str
    sends: bool = False

    @cached_property
    def css(self) -> str:
        return PLAIN + self.style

    @cached_property
    def headers(self) -> dict[str, str]:
        """Of an answer with such a page: its own style is all that it may use, and nobody may keep or frame it."""
        known = base64.b64encode(hashlib.sha256(self.css.encode()).digest()).decode()
        forms = "'self'" if self.sends else "'none'"
        return {
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{known}'; form-action {forms}; "
            "base-uri 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",  # the address of an answer page is the right to answer
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "X-Robots-Tag": "noindex, nofollow",
        }

    def page(self, title: str, content: str, status: int = 200, *, language: str = "en") -> web.Response:
        """`content` is HTML, `title` is not."""
        text = (
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>{self.css}</style></head><body><main>{content}</main></body></html>\n"
        )
        return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=self.headers)
