"""For which tenants a sender may speak: what it says of others is neither believed nor lost."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from receiver.config import ReceiverConfig
from receiver.engine.notification import Body
from receiver.engine.origin import ANYWHERE, Origin
from receiver.engine.pipeline import read
from receiver.engine.seen import Seen
from receiver.engine.tenancy import confine
from receiver.store.schema import quarantine
from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import HOOK, Harness, escalation, receiver

ACME = {"Authorization": "Bearer acme-token"}


def limited(folder: Path) -> ReceiverConfig:
    """One source with two tokens: one speaks for acme and globex, one for everybody; pages go to bob."""
    (folder / "acme").write_text("acme-token")
    (folder / "all").write_text("all-token")
    files = [{"token_file": folder / "acme", "tenants": ["acme", "globex"]}, folder / "all"]
    return escalation(("0s", ("bob",)), sources={"alertmanager": {"bearer_token_files": files}})


async def in_quarantine(tocsin: Harness) -> list[str]:
    async with tocsin.database.read() as connection:
        return list((await connection.execute(sa.select(quarantine.c.reason))).scalars())


@pytest.mark.parametrize(
    ("tenants", "kept", "says"),
    [
        (("acme",), ["a"], "3 of its alerts name tenants that the sender may not speak for: 'default', 'globex'"),
        (("acme", "default", "globex"), ["a", "b", "c", "d"], ""),
        (("other",), [], "4 of its alerts"),
        (None, ["a", "b", "c", "d"], ""),
    ],
)
def test_what_remains(tenants: tuple[str, ...] | None, kept: list[str], says: str) -> None:
    """Alerts of allowed tenants go on as they are; the others become a notice that says why."""
    alerts = [alert(n="a", tenant="acme"), alert(n="b", tenant="globex"), alert(n="c"), alert(n="d", tenant="globex")]
    parts = confine(read(Body("europe", START, body(*alerts), 7, Origin(tenants)), Seen(), "tenant"), "tenant")
    assert [one.labels["n"] for one in parts[0].notification.alerts] == kept
    assert parts[0].error == ""
    assert len(parts) == (2 if says else 1)
    if says:
        assert says in parts[1].error
        (notice,) = parts[1].notification.alerts
        assert notice.labels["alertname"] == "TocsinTenantRefused"
        assert "number 7" in notice.annotations["description"]


def test_many_foreign_tenants() -> None:
    """However many there are, the reason stays short."""
    alerts = [alert(tenant=f"{number:03}{'x' * 1000}") for number in range(100)]
    reason = confine(read(Body("europe", START, body(*alerts), 7, Origin(("acme",))), Seen(), "tenant"), "tenant")[
        1
    ].error
    assert "and 95 more" in reason
    assert len(reason) < 700


def test_what_is_not_understood() -> None:
    """A body that nobody understands is quarantined as ever, whoever sent it."""
    (one,) = confine(read(Body("europe", START, b"[]", 7, Origin(("acme",))), Seen(), "tenant"), "tenant")
    assert "Tenant" not in one.error
    assert one.error


async def test_a_mixed_body(tmp_path: Path) -> None:
    """The sender's own tenants are paged for, the others' alerts stand in quarantine, and people are told once."""
    mixed = body(alert(tenant="acme"), alert(tenant="initech"))
    async with receiver(tmp_path, limited(tmp_path)) as tocsin:
        for _ in range(2):
            assert (await tocsin.client.post(HOOK, data=mixed, headers=ACME)).status == 200
            await tocsin.settle()
        assert sorted(alert["labels"].get("tenant", "-") for alert in await tocsin.alerts()) == ["-", "acme"]
        titles = {incident["title"]: incident["tenant"] for incident in await tocsin.incidents()}
        assert titles == {
            "PlayerErrors is up": "acme",
            "alertmanager sends alerts of tenants that it may not speak for": "default",
        }
        assert len(await in_quarantine(tocsin)) == 2
        assert len(tocsin.phones["bob"].told) == 2
        text = await (await tocsin.client.get("/metrics")).text()
        assert "tocsin_receiver_bodies_quarantined_total 2.0" in text.splitlines()


async def test_who_may_speak_for_everybody(tmp_path: Path) -> None:
    """The limit belongs to the proof, not to the source."""
    async with receiver(tmp_path, limited(tmp_path)) as tocsin:
        for number, headers in enumerate((ACME, {"Authorization": "Bearer all-token"})):
            tenants = ("acme", "globex") if headers is ACME else ("initech", "acme")
            content = body(*(alert(tenant=tenant, n=str(number)) for tenant in tenants))
            assert (await tocsin.client.post(HOOK, data=content, headers=headers)).status == 200
        await tocsin.settle()
        assert await in_quarantine(tocsin) == []
        assert len(await tocsin.alerts()) == 4


async def test_the_limit_survives_a_restart(tmp_path: Path) -> None:
    """What a sender may say is kept with its body: it counts, too, when another process takes it from the inbox."""
    async with receiver(tmp_path, limited(tmp_path)) as tocsin:
        await tocsin.client.post(HOOK, data=body(alert(tenant="initech")), headers=ACME)
    async with receiver(tmp_path) as tocsin:
        await tocsin.settle()
        assert len(await in_quarantine(tocsin)) == 1


@pytest.mark.parametrize(
    "origin", [ANYWHERE, Origin(("a", "ü")), Origin((), "00-ab-cd-01"), Origin(None, "00-ab-cd-01")]
)
def test_an_origin_as_text(origin: Origin) -> None:
    """An origin comes out of its text as it went in; of nothing known there is no text."""
    assert Origin.parse(str(origin)) == origin
    assert (str(origin) == "") == (origin == ANYWHERE)
