"""Whether alerts are worth hearing: what became of each rule's, whose they are, and what rules cost."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source.board import Section, board
from grafana.source.boards import rule_panels
from grafana.source.boards.firing import firing
from grafana.source.links import label, to
from grafana.source.look import ANY_TROUBLE, Colour
from grafana.source.panels import Ask, Panel, lines, number
from grafana.source.promql import RANGE, TENANTS, WINDOW, happened, of, or_none, or_zero, share
from grafana.source.tables import Column, bars, rows
from grafana.source.variables import TENANT, Choice

OWNER = Choice(
    "owner", "Owner", "Whose rules are shown: the label `owner` of alerts.",
    'label_values(ALERTS{tenant=~"$tenant", owner!=""}, owner)',
)  # fmt: skip
OWNED = f'{TENANTS}, owner=~"$owner"'
FIRING = firing(within=OWNED)
ALERTS = "tocsin_receiver_rule_alerts_total"
NOISY = ((None, Colour.GOOD), (0.3, Colour.WATCH), (0.6, Colour.BAD))
OFTEN = ((None, Colour.QUIET), (1, Colour.WATCH), (5, Colour.BAD))
MINUTES = "[$__range:1m]"
EVENTS = {
    "joined": Colour.PLAIN, "opened": Colour.SECOND, "acknowledged": Colour.GOOD, "unattended": Colour.WATCH,
    "flapped": Colour.BAD, "dismissed|none": Colour.QUIET,
}  # fmt: skip


def dashboard() -> Dashboard:
    """`dashboards/quality.json`."""
    return board(
        "quality",
        "Alert quality",
        "Which rules wake people for nothing, whose they are, and what rules cost Prometheus. An alert is worth "
        "hearing if somebody takes what it opens; what is over before that, flaps or is dismissed as noise is not.",
        [
            Section("In the time shown", _now()),
            Section("Rules", _rules()),
            Section("Over time", _courses()),
            Section("Whose they are", _owners()),
            Section("What rules cost", rule_panels.panels()),
        ],
        choices=[TENANT, OWNER],
        since="24h",
    )


def _became(event: str, *by: str) -> str:
    return happened(of(ALERTS, f'event="{event}"', within=OWNED), *by)


def _now() -> list[Panel]:
    return [
        number(
            "Alerts heard", "Alerts that became part of an incident. Normal: few; a handful a day for each person on "
            "duty is what people bear.",
            Ask(or_zero(_became("joined")), "alerts"), unit="short", width=4, decimals=0,
        ),
        number(
            "Incidents that they opened", "Incidents that alerts began, those that came back too. Normal: far fewer "
            "than alerts, because what belongs together is one incident.",
            Ask(or_zero(_became("opened")), "incidents"), unit="short", width=4, decimals=0,
        ),
        number(
            "Nobody took it", "Share of those incidents that were over before anybody had acknowledged them: noise. "
            "Normal: below 30 %. More: give the rules a longer `for`, or make them `info`. No data: none was opened.",
            Ask(share(_became("unattended"), _became("opened")), "of incidents"),
            unit="percentunit", width=4, steps=NOISY, decimals=0,
        ),
        number(
            "Flapped", "Alerts that came and went so often that Tocsin held them together. Normal: 0. Otherwise give "
            "the rule a longer `for`, or `keep_firing_for`.",
            Ask(or_zero(_became("flapped")), "alerts"), unit="short", width=4, steps=ANY_TROUBLE, decimals=0,
        ),
        number(
            "Dismissed as noise", "Alerts of which a person said that they have nothing to do with an incident, or "
            "with anything. Normal: 0, or one now and then. A rule that is dismissed twice needs another threshold.",
            Ask(or_zero(_became("dismissed")), "alerts"), unit="short", width=4, steps=ANY_TROUBLE, decimals=0,
        ),
        number(
            "Rules without an owner", "Rules that fired and whose alerts bear no label `owner`: nobody will mend them. "
            "Normal: 0. Otherwise give their pack an owner; their names stand below.",
            Ask(or_zero(f"count({_ownerless()})"), "rules"), unit="short", width=4, steps=ANY_TROUBLE, decimals=0,
        ),
    ]  # fmt: skip


def _ownerless() -> str:
    nobodys = firing('owner=""', within=TENANTS)
    return f"count by (alertname) (last_over_time({nobodys}{RANGE}))"


def _rules() -> list[Panel]:
    keys = ("alertname", "owner")
    fired = f"sum by (alertname, owner) (count_over_time({FIRING}{MINUTES})) * 60"
    return [
        rows(
            "What became of each rule's alerts",
            "Each rule in the time shown: how long its alerts fired (of all its series together), how many became part "
            "of an incident, how many incidents they began, and what people did with those. Normal: nearly all that "
            "was opened was acknowledged. Mend first what stands at the top: nobody took it.",
            Column("Nobody took it", _became("unattended", *keys), "short", OFTEN, decimals=0),
            Column("Incidents opened", _became("opened", *keys), "short", decimals=0),
            Column("Acknowledged", _became("acknowledged", *keys), "short", decimals=0),
            Column("Alerts heard", _became("joined", *keys), "short", decimals=0),
            Column("Flapped", _became("flapped", *keys), "short", OFTEN, decimals=0),
            Column("Dismissed", _became("dismissed", *keys), "short", OFTEN, decimals=0),
            Column("Fired for", fired, "s", decimals=1),
            keys={"alertname": "Rule", "owner": "Owner"}, width=24, height=13, worst="Nobody took it",
            links=[to("incidents", "Incidents and response", kept=("datasource", "tenant"))],
        ),
    ]  # fmt: skip


def _courses() -> list[Panel]:
    held = "tocsin_receiver_alerts_suppressed_total"
    noise = share(f"sum(rate({held}{WINDOW}))", f"sum(rate(tocsin_receiver_alerts_received_total{WINDOW}))")
    return [
        lines(
            "What became of alerts, an hour",
            "Alerts that joined incidents, and what became of the incidents that they began, in the hour before. "
            "Normal: acknowledged follows opened. Peaks of unattended at night are what wakes people for nothing.",
            Ask(or_none(happened(of(ALERTS, within=OWNED), "event", window="[1h]"), "event"), "{{event}}"),
            unit="short", width=8, colours=EVENTS,
        ),
        lines(
            "Held back, by reason",
            "Alerts a second that told nobody: repeats of what is known, what follows from another alert, what flaps, "
            "what is in maintenance. Normal: mostly repeats, which Alertmanager sends as long as an alert fires.",
            Ask(or_none(f"sum by (reason) (rate({held}{WINDOW}))", "reason"), "{{reason}}"),
            unit="cps", width=8,
        ),
        lines(
            "Share of alerts that told nobody",
            "Of all alerts that came in, the share that was held back: the noise that people did not hear. Normal: "
            "high while something fires, because it is repeated; 0 says only that nothing fires.",
            Ask(noise, "held back"),
            unit="percentunit", width=8,
        ),
    ]  # fmt: skip


def _owners() -> list[Panel]:
    unattended, opened = _became("unattended", "owner"), _became("opened", "owner")
    only = [to("quality", "Only this owner", kept=("datasource", "tenant"), owner=label("owner"))]
    return [
        bars(
            "Incidents by owner", "Incidents that each owner's rules began. Normal: about as many as the team can "
            "take. Click on one for its rules alone.",
            Ask(or_none(_became("opened", "owner"), "owner"), "{{owner}}"), unit="short", width=8, height=6, links=only,
        ),
        bars(
            "Nobody took it, by owner", "Share of those incidents that were over before anybody had acknowledged "
            "them. Normal: below 30 %. A long bar: rules that are too nervous, or a team that does not answer.",
            Ask(or_none(share(unattended, opened), "owner"), "{{owner}}"),
            unit="percentunit", width=8, height=6, steps=NOISY, highest=1, links=only,
        ),
        bars(
            "Fired without an owner", "Rules that fired without a label `owner`, and how many series of each. Normal: "
            "none.",
            Ask(or_none(_ownerless(), "alertname"), "{{alertname}}"),
            unit="short", width=8, height=6, steps=ANY_TROUBLE,
        ),
    ]  # fmt: skip
