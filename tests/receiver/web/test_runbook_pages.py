"""Runbook pages: what an alert's link shows, from which folder, to whom, and what no page can do."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
from aiohttp import encode_basic_auth

from receiver.config import ReceiverConfig
from receiver.web import runbook_text
from receiver.web.runbook_text import MOST_BYTES, RunbookPages, rendered
from tests.receiver.access.people import CONFIG, given
from tests.receiver.harness import Harness, prepared, receiver
from tocsin import data
from tocsin.config import load
from tocsin.errors import InputError

PAGE = """# NodeDown

Fires when `up` is 0.

## Diagnosis

1. See which <b>nodes</b>:

```promql
up{job="node"} == 0
```

| what | where |
| --- | --- |
| [other](../disk/DiskFull.md) | [bad](javascript:alert(1)) |
"""


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of pages that ship."""
    folder = tmp_path / "shipped"
    write(folder, node={"NodeDown": PAGE, "NodeSlow": "# NodeSlow\n"}, disk={"DiskFull": "# DiskFull\n"})
    monkeypatch.setattr(runbook_text, "shipped", lambda: folder)
    return folder


def write(folder: Path, **packs: dict[str, str]) -> None:
    for pack, pages in packs.items():
        (folder / pack).mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (folder / pack / f"{name}.md").write_text(text)


async def shown(tocsin: Harness, path: str) -> tuple[int, str]:
    answer = await tocsin.client.get(path)
    assert answer.content_type == "text/html"
    return answer.status, await answer.text()


async def test_a_page(tmp_path: Path, shipped: Path) -> None:
    """Markdown as HTML: queries as they stand, tables, links to other pages; HTML in it is text, no script runs."""
    async with receiver(tmp_path / "store") as tocsin:
        status, html = await shown(tocsin, "/runbooks/node/NodeDown.md")
        assert status == 200
        assert "<title>NodeDown</title>" in html
        assert '<pre><code class="language-promql">up{job=&quot;node&quot;} == 0\n</code></pre>' in html
        assert '<a href="../disk/DiskFull.md">other</a>' in html
        assert "See which &lt;b&gt;nodes&lt;/b&gt;" in html
        assert 'href="javascript' not in html
        answer = await tocsin.client.get("/runbooks/node/NodeDown.md")
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "script" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("index", ["/runbooks", "/runbooks/"])
async def test_the_index(tmp_path: Path, shipped: Path, index: str) -> None:
    """It lists every page by pack, each link leads there, and from there back."""
    async with receiver(tmp_path / "store") as tocsin:
        status, html = await shown(tocsin, index)
        assert (status, re.findall(r"<h2>(\w+)</h2>", html)) == (200, ["disk", "node"])
        links = re.findall(r'href="([^"]+)"', html)
        assert len(links) == 3
        for link in links:
            status, html = await shown(tocsin, urljoin(index, link))
            assert status == 200
            assert '<a href="../">Runbooks</a>' in html


async def test_ones_own_folder_goes_first(tmp_path: Path, shipped: Path) -> None:
    """A page of one's own takes the place of one that ships, the others stay; a reload names another folder."""
    write(tmp_path / "own", node={"NodeDown": "# Ours\n"}, shop={"ShopDown": "# ShopDown\n"})
    config = ReceiverConfig.model_validate({"runbook_pages": "own"}, context={"folder": tmp_path})
    async with receiver(tmp_path / "store", config) as tocsin:
        assert "<h1>Ours</h1>" in (await shown(tocsin, "/runbooks/node/NodeDown.md"))[1]
        assert (await shown(tocsin, "/runbooks/shop/ShopDown.md"))[0] == 200
        assert (await shown(tocsin, "/runbooks/node/NodeSlow.md"))[0] == 200
        write(tmp_path / "own", node={"NodeDown": "# Ours, mended\n"})
        assert "<h1>Ours, mended</h1>" in (await shown(tocsin, "/runbooks/node/NodeDown.md"))[1]
        await tocsin.receiver.take(prepared(ReceiverConfig(), {}))
        assert "<h1>NodeDown</h1>" in (await shown(tocsin, "/runbooks/node/NodeDown.md"))[1]
        assert (await shown(tocsin, "/runbooks/shop/ShopDown.md"))[0] == 404


def test_the_folder_must_be_there(tmp_path: Path) -> None:
    """A folder that is none is told with its place."""
    file = tmp_path / "receiver.yml"
    file.write_text("external_url: http://a\nrunbook_pages: pages\n")
    with pytest.raises(InputError) as refused:
        load(file, ReceiverConfig)
    (problem,) = refused.value.problems
    assert problem.at.line == 2
    assert problem.message == f"runbook_pages: {tmp_path / 'pages'} is no folder"
    (tmp_path / "pages").mkdir()
    assert load(file, ReceiverConfig).runbook_pages == tmp_path / "pages"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/runbooks/node/NodeDwn.md", 'Did you mean <a href="../node/NodeDown.md">NodeDown</a>'),
        ("/runbooks/other/NodeDown.md", 'Did you mean <a href="../node/NodeDown.md">NodeDown</a>'),
        ("/runbooks/node/%3Cscript%3E.md", "&lt;script&gt;.md"),
        ("/runbooks/node/" + "x" * 5_000 + ".md", "runbook_pages"),
        ("/runbooks/node/secret.md", "runbook_pages"),
        ("/runbooks/..%2F..%2Foutside/Secret.md", "There is no page"),
        ("/runbooks/node/..%2F..%2Foutside%2FSecret.md", "There is no page"),
        ("/runbooks/%2e%2e/Secret.md", "There is no page"),
        ("/runbooks/node/NodeDown.md%00", "There is no page"),
    ],
)
async def test_no_such_page(tmp_path: Path, shipped: Path, path: str, said: str) -> None:
    """404 with what may be meant; nothing outside of the folders is ever read, and names come back as text."""
    write(tmp_path, outside={"Secret": "secret words"})
    (shipped / "Secret.md").write_text("secret words")
    (shipped / "node" / "secret.txt").write_text("secret words")
    (shipped / ".hidden").mkdir()
    (shipped / ".hidden" / "Page.md").write_text("secret words")
    async with receiver(tmp_path / "store") as tocsin:
        url = tocsin.client.make_url("/").with_path(path, encoded=True)
        answer = await tocsin.client.session.get(url)
        html = await answer.text()
        assert answer.status == 404
        assert said in html
        assert "secret words" not in html
        assert len(html) < 4_000


def test_pages_are_bounded(tmp_path: Path) -> None:
    """A page without end is cut; what is no UTF-8 is shown as far as it is; a page that went is none."""
    write(tmp_path, a={"Long": "x" * (2 * MOST_BYTES), "Bad": "", "Gone": ""})
    (tmp_path / "a" / "Bad.md").write_bytes(b"# \xff\n")
    pages = RunbookPages.found(tmp_path)
    (tmp_path / "a" / "Gone.md").unlink()
    assert len(pages.text(("a", "Long")) or "") == MOST_BYTES
    assert pages.text(("a", "Bad")) == "# \N{REPLACEMENT CHARACTER}\n"
    assert pages.text(("a", "Gone")) is None


async def test_who_may_read(tmp_path: Path, shipped: Path) -> None:
    """Whoever may read incidents, of whichever tenant; by a token or a login."""
    config = ReceiverConfig.model_validate(CONFIG)
    async with receiver(tmp_path / "store", config, asks=True) as tocsin:
        for path in ("/runbooks", "/runbooks/node/NodeDown.md"):
            assert (await tocsin.client.get(path)).status == 401
            assert (await tocsin.client.get(path, headers=await given(tocsin, "anna", "incidents:read"))).status == 200
            assert (
                await tocsin.client.get(path, headers=await given(tocsin, "alice", "incidents:write"))
            ).status == 403
            unknown = {"Authorization": encode_basic_auth("victor", "wrong")}
            assert (await tocsin.client.get(path, headers=unknown)).status == 401


def test_the_pages_that_ship() -> None:
    """Each is found, begins with its alert's name, and shows a query."""
    folder = data.folder("runbook-pages")
    pages = RunbookPages.found(None)
    assert len(pages.files) == len(list(folder.glob("*/*.md")))
    for name in pages.files:
        html = rendered(pages.text(name) or "")
        assert html.startswith(f"<h1>{name[1]}</h1>"), name
        assert 'class="language-promql"' in html, name
