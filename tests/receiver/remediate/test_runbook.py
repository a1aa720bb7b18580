"""A runbook in force: its hash, and what the engine must know of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from receiver.engine.remedies import Remedies
from tests.receiver.remediate.books import alert, read, runbook, text


def test_a_hash_is_of_what_a_runbook_says() -> None:
    """Comments, order and what is written though it is the default change nothing; everything else does."""
    same = [read("# a comment\n" + text()), runbook(mode="dry-run", limits={"at_once": 1}), read(text(), {})]
    assert {one.hash for one in same} == {runbook().hash}
    other = [
        runbook(by_hand="5m"),
        runbook(steps=[{"wait": {"for": "2s"}}]),
        runbook(metadata={"name": "restart", "owner": "shop", "doc": "Read me"}),
        runbook({"mode": "apply"}),
        runbook({"allow": []}),
    ]
    assert len({runbook().hash, *(one.hash for one in other)}) == 6


@pytest.mark.parametrize(
    ("labels", "tenant", "hold"),
    [
        ({}, "acme", timedelta(minutes=3)),
        ({}, "other", timedelta(minutes=2)),
        ({"alertname": "Other"}, "acme", timedelta()),
    ],
)
def test_a_page_waits_for_the_runbooks_of_its_alert(labels: dict[str, str], tenant: str, hold: timedelta) -> None:
    """The engine looks for remedies of the alert's own tenant, and waits for the one that takes longest."""
    books = [
        runbook(mode="apply", hold_page="2m"),
        runbook(mode="apply", hold_page="3m", tenants=["acme"]),
        runbook(hold_page="9m"),
    ]
    remedies = Remedies(tuple(book.remedy for book in books))
    assert remedies.hold(alert(labels, tenant=tenant)) == hold
    assert remedies.any_for([alert(labels, tenant=tenant)]) is bool(hold)
    assert not Remedies().any_for([alert()])


def test_a_runbook_of_one_tenant_is_nobody_elses() -> None:
    """Another tenant's alert of the same labels neither begins it nor is looked at for it."""
    book = runbook(tenants=["acme"])
    assert book.fits(alert().labels, "acme")
    assert not book.fits(alert().labels, "other")
    assert not Remedies((book.remedy,)).any_for([alert(tenant="other")])
