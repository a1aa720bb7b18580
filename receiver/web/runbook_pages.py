"""`/runbooks`: what an alert means and what to do, for whoever follows the link in a message."""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from html import escape
from itertools import groupby
from pathlib import Path

from aiohttp import web

from receiver.access.principal import Scope
from receiver.web.html import Look
from receiver.web.runbook_text import Name, RunbookPages, rendered
from receiver.web.scopes import shown_to

PATH = "/runbooks"
READ: Scope = "incidents:read"
UP = "../"  # from a page to the index; links are relative, so that a proxy may put all of it below a path
SUFFIX = ".md"
MOST_SHOWN = 100  # letters of a name that nothing has
LOOK = Look(
    "body{max-width:48rem}h1{font-size:1.5rem}h2{font-size:1.15rem;margin:1.4rem 0 .3rem}"
    "pre{overflow-x:auto;padding:.6rem .8rem;border:1px solid #8884;border-radius:.4rem;background:#8881}"
    "pre code{-webkit-user-select:all;user-select:all;white-space:pre-wrap}"  # one click takes the whole query
    "table{border-collapse:collapse}th,td{border:1px solid #8884;padding:.2rem .5rem;text-align:left}"
    "nav{font-size:.9rem}"
)


class RunbookSite:
    """The pages. `own` is the folder whose pages go first; it follows the configuration."""

    def __init__(self, own: Path | None) -> None:
        self.own = own

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(PATH, shown_to(READ, self.index)),
            web.get(f"{PATH}/", shown_to(READ, self.index)),
            web.get(f"{PATH}/{{pack}}/{{page}}", shown_to(READ, self.show)),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """Every page, by pack."""
        pages = await asyncio.to_thread(RunbookPages.found, self.own)
        below = "" if request.path.endswith("/") else PATH.removeprefix("/") + "/"
        return LOOK.page("Runbooks", _index(pages, below))

    async def show(self, request: web.Request) -> web.Response:
        """One page, or which one may be meant."""
        name = request.match_info["pack"], request.match_info["page"].removesuffix(SUFFIX)
        return await asyncio.to_thread(_page, self.own, name)


def _page(own: Path | None, name: Name) -> web.Response:
    pages = RunbookPages.found(own)
    text = pages.text(name)
    if text is None:
        return LOOK.page("No such runbook", _instead(pages, name), 404)
    back = f'<nav><a href="{UP}">Runbooks</a> · {escape(name[0])}</nav>'
    return LOOK.page(name[1], back + rendered(text))


def _instead(pages: RunbookPages, name: Name) -> str:
    """What is said where there is no page: which names are like it, and how one comes here."""
    pack, alert = (part[:MOST_SHOWN] for part in name)
    known = {"/".join(one): one for one in pages.files}
    elsewhere = [one for one in pages.files if one[1] == alert]
    near = elsewhere or [known[found] for found in get_close_matches(f"{pack}/{alert}", known, n=3)]
    meant = f"<p>Did you mean {' or '.join(_link(UP, *one) for one in near)}?</p>" if near else ""
    return (
        f"<h1>No such runbook</h1><p>There is no page <code>{escape(pack)}/{escape(alert)}{SUFFIX}</code>.</p>{meant}"
        f"<p>Put it into the folder that <code>runbook_pages</code> names in the receiver's configuration, "
        f'or look at <a href="{UP}">those that there are</a>.</p>'
    )


def _index(pages: RunbookPages, below: str) -> str:
    parts = ["<h1>Runbooks</h1><p>What each alert means, and what to do.</p>"]
    for pack, names in groupby(sorted(pages.files), key=lambda name: name[0]):
        listed = "".join(f"<li>{_link(below, *name)}</li>" for name in names)
        parts.append(f"<h2>{escape(pack)}</h2><ul>{listed}</ul>")
    if not pages.files:
        parts.append("<p>There are none: name a folder of them under <code>runbook_pages</code>.</p>")
    return "".join(parts)


def _link(below: str, pack: str, alert: str) -> str:
    return f'<a href="{below}{escape(pack)}/{escape(alert)}{SUFFIX}">{escape(alert)}</a>'
