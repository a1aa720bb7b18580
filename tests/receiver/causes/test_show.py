"""What people are shown: the tree in words and as a picture, in lists, and in the messages that wake them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from receiver.engine.events import AnyEvent
from receiver.notify.text import Writer
from receiver.prepared import Prepared
from receiver.show import SENTENCES, incident_story, incident_table
from tests.receiver.bodies import alert, body
from tests.receiver.causes.fault import EDGES, breaks, config, decide, ids, incident
from tests.receiver.harness import receiver

ID = re.compile(r"\b[0-9a-f]{20}\b")
TREE = """\
DatabaseDown is up
{id}  critical, open, 9 of 9 alerts firing, tenant default

Likely cause, and what follows from it: 7 alerts on 3 services (player 5, catalog 1, web 1)
  2 × DatabaseDown on db  critical, firing since 03:00:00
      nothing open explains it
      instance=db-1, db-2; id ID and 1 more
  └─ CatalogSlow on catalog  warning, firing since 03:00:20, 20s later
     │   `catalog` depends on `db`, whose DatabaseDown began 20s earlier; # times likelier than chance
     │   id ID
     └─ 5 × PlayerErrors on player  critical, firing since 03:00:30, 10s later
        │   `player` depends on `catalog`, whose CatalogSlow began 10s earlier; # times likelier than chance
        │   instance=p0, p1, p2 and 2 more; id ID and 4 more
        └─ WebErrors on web  warning, firing since 03:01:00, 30s later
               `web` depends on `player`, whose PlayerErrors began 30s earlier; # times likelier than chance
               id ID

What happened (UTC)
"""


def blurred(text: str) -> str:
    """Without what is learned and made up."""
    text = re.sub(r"such alerts follow \d+ % of the time, |; \w+ comes by itself \d+ % of the time", "", text)
    return re.sub(r"; \d+ times", "; # times", ID.sub("ID", text))


async def test_the_tree_in_words(tmp_path: Path) -> None:
    """The cause comes first, then what follows from it, equal alerts as one line, each with its reason."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        told = blurred(incident_story(fault))
        assert told.startswith(TREE.format(id=fault["id"]))
        assert "took in " in told
        assert "(CatalogSlow, 7 alerts): `catalog` depends on `db`" in told


def test_the_guide_shows_what_is_printed() -> None:
    """The example of the guide is a part of what is printed here."""
    guide = (Path(__file__).parents[3] / "docs/guide/incidents.md").read_text()
    shown = blurred(guide.split("$ tocsin incidents show n7es\n")[1].split("\n```")[0])
    assert TREE.format(id="n7esece87r").startswith(shown)


async def test_an_alert_that_ends_after_a_merge(tmp_path: Path) -> None:
    """An alert that ends after its incident became part of another is still that one's."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        ended = alert("WebErrors", start=60, end=70, service="web", severity="warning")
        await tocsin.post(body(ended, group="web"))
        now = await incident(tocsin, "DatabaseDown is up")
        assert ids(now, "WebErrors") == ids(fault, "WebErrors")
        assert (now["tree"]["unread"], now["firing"]) == (0, 8)
        assert "WebErrors on web  warning, since 03:01:00, over at 03:01:10, 30s later" in incident_story(now)


async def test_where_a_merged_incident_went(tmp_path: Path) -> None:
    """The page of a merged incident names the one that it is part of in the end; lists name the next one."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        gone = await incident(tocsin, "WebErrors is up")
        assert gone["status"] == "resolved"
        assert gone["merged_into"] not in (None, fault["id"])
        told = incident_story(gone)
        assert f"It is part of {fault['id']} now: tocsin incidents show {fault['id']}" in told
        assert f"became part of {gone['merged_into']}: `web` depends on `player`" in told
        assert f"WebErrors is up (merged into {gone['merged_into']})" in incident_table(await tocsin.incidents())


async def test_what_people_said_in_words(tmp_path: Path) -> None:
    """Marks stand in the tree and on the timeline, with who made them."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        await decide(tocsin, fault["id"], "cause", name="CatalogSlow")
        await decide(tocsin, fault["id"], "noise", name="WebErrors")
        await decide(tocsin, fault["id"], "split", name="PlayerErrors")
        told = incident_story(await incident(tocsin, "DatabaseDown is up"))
        assert "\nCause, as bob says, and what follows from it: 2 alerts on 1 service (db 2)\n" in told
        assert "\nNoise\n  WebErrors on web  warning" in told
        assert "bob says that CatalogSlow is the cause\n" in told
        assert "bob says that WebErrors is noise\n" in told
        assert "bob moved PlayerErrors, PlayerErrors, PlayerErrors, PlayerErrors, PlayerErrors to " in told
        assert "└─ 2 × DatabaseDown on db  critical, firing since 03:00:00, 20s earlier" in told


async def test_a_big_incident(tmp_path: Path) -> None:
    """An incident of thousands of alerts and a long story are shown on few lines, with every alert counted."""
    async with receiver(tmp_path, config(correlation={"by": "group"})) as tocsin:
        await tocsin.post(body(*(alert(f"Errors{n % 97}", service=f"s{n % 7}", pod=str(n)) for n in range(3000))))
        for number in range(70):
            await tocsin.post(body(alert("Late", start=1, pod=f"late{number}")))
        (one,) = await tocsin.incidents()
        found = await tocsin.get(f"/api/v1/incidents/{one['id']}")
        lines = incident_story(found).splitlines()
        assert len(lines) < 200
        assert "… 14 more; --format json has them all" in "\n".join(lines)
        tree = found["tree"]
        shown = sum(branch["alerts"] for branch in tree["branches"])
        assert (shown + tree["more_alerts"], tree["unread"]) == (3070, 0)
        assert f"And {tree['more_alerts']:,} more alerts of {tree['more_kinds']:,} kinds" in lines
        assert len(found["alert_list"]) == 100
        assert lines.count("      same Alertmanager group: alertname=PlayerErrors") == 1


def test_every_event_has_words() -> None:
    """No event is told by its bare name; one that is only asked about is never told."""
    kinds = {kind.__struct_config__.tag for kind in AnyEvent.__args__}
    assert kinds - set(SENTENCES) == {
        "escalation_due",
        "snooze_due",
        "hand_over_due",
        "sla_due",
        "silences_looked",
        "approval_due",
    }


@pytest.mark.parametrize("drawn", ["svg", "mermaid"])
async def test_graph(tmp_path: Path, drawn: str) -> None:
    """The picture has a box for each branch and an arrow from what explains to what it explains, with figures."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        await decide(tocsin, fault["id"], "noise", name="WebErrors")
        answer = await tocsin.client.get(f"/api/v1/incidents/{fault['id'][:6]}/graph", params={"format": drawn})
        text = await answer.text()
        assert answer.content_type == {"svg": "image/svg+xml", "mermaid": "text/plain"}[drawn]
        assert f"{fault['id']}: DatabaseDown is up" in text
        for said in ("db: 2 × DatabaseDown", "catalog: CatalogSlow", "player: 5 × PlayerErrors", "web: WebErrors"):
            assert said in text
        assert re.search(r"20s later, [\d.]+ ×", text)
        if drawn == "svg":
            classes = [one.get("class") for one in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}rect")]
            assert {"cause", "consequence", "noise"} <= set(classes)
        else:
            assert text.count("-->") == 2


async def test_graph_that_nobody_draws(tmp_path: Path) -> None:
    """Another format is refused by name."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        answer = await tocsin.client.get(f"/api/v1/incidents/{fault['id']}/graph?format=png")
        assert (answer.status, (await answer.json())["detail"]) == (400, "format must be one of mermaid, svg")


async def test_a_page_names_the_cause(tmp_path: Path) -> None:
    """The message names the likeliest cause and how many consequences it has, by service; a lone alert says enough."""
    async with receiver(tmp_path, config()) as tocsin:
        await breaks(tocsin)
        await tocsin.advance(seconds=5)
        lone, fault = sorted((Writer().write(one).body for one in tocsin.phones["alice"].told), key=len)
        assert (
            "\n\nLikely cause: 2 × DatabaseDown on db, since 03:00:00 UTC\n"
            "Consequences: 7 alerts on 3 services: player 5, catalog 1, web 1\n\n"
        ) in fault
        assert "Likely cause" not in lone


async def test_a_storm_is_one_message(tmp_path: Path) -> None:
    """Above the rate what comes is one incident, whose page counts by service and names the candidates."""
    storm: dict[str, Any] = {"correlation": {"storm": {"incidents": 3}}}
    async with receiver(tmp_path, config(**storm)) as tocsin:
        for number in range(12):
            await tocsin.post(body(alert("Down", service=f"s{number}"), group=f"s{number}"))
        await tocsin.advance(seconds=5)
        (page,) = [one for one in tocsin.phones["alice"].told if one.incident.storm]
        text = Writer().write(page)
        assert "Storm: more than 3 new incidents in 1m" in text.subject
        assert "\nStorm: 9 alerts on 9 services: s10 1, s11 1, s3 1, s4 1, s5 1 and 4 more\n" in text.body
        assert "\nLikeliest causes, those with most consequences first:\n- Down on s" in text.body
        story = await tocsin.get(f"/api/v1/incidents/{page.incident.id}")
        told = incident_story(story)
        assert f"{page.incident.id}  storm, critical, open, 9 of 9" in told
        assert "storm: Storm: more than 3" in told
        assert "(storm)" in incident_table(await tocsin.incidents())
        await tocsin.advance(minutes=6)
        told = incident_story(await tocsin.get(f"/api/v1/incidents/{page.incident.id}"))
        assert "the storm is over: calm for 5m; folded were 9 would-be incidents" in told


async def test_a_reload_counts_for_trees(tmp_path: Path) -> None:
    """After a reload trees are read by the new topology's label, those of older incidents too."""
    async with receiver(tmp_path, config()) as tocsin:
        await breaks(tocsin)
        await tocsin.receiver.take(Prepared.of(config(topology={"label": "instance", "edges": EDGES})))
        now = await incident(tocsin, "DatabaseDown is up")
        assert [one["service"] for one in now["tree"]["branches"]] == ["db-1"]


async def test_json_says_what_the_words_say(tmp_path: Path) -> None:
    """The API has root, marks and flags of an incident and each alert's part in it, in answers that are JSON."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        assert (fault["root"]["name"], fault["root"]["node"]) == ("DatabaseDown", "db")
        assert (fault["cause"], fault["noise"], fault["merged_into"], fault["storm"]) == (None, [], None, False)
        ranks = [(one["cause_rank"], one["labels"]["alertname"]) for one in fault["alert_list"]]
        assert ranks[:4] == [(1, "DatabaseDown"), (2, "DatabaseDown"), (3, "CatalogSlow"), (4, "PlayerErrors")]
        slow = fault["alert_list"][2]
        assert slow["follows"] == fault["root"]["alert"]
        assert slow["odds"] > 8
        assert "`catalog` depends on `db`" in slow["reason"]
        assert msgspec.json.encode(fault)
