"""The story: the shop breaks, a person hears of it, says "I have it", and hears once when it is over."""

from __future__ import annotations

from functools import partial

from demo.sources import Sources
from demo.stack import Stack
from demo.timeline import Do, Hold, Step, Want

RULES = "Prometheus /api/v1/rules"
ALERTS = "Alertmanager /api/v2/alerts"
INCIDENTS = "receiver /api/v1/incidents"
READING_SECONDS = 0.5


def story(stack: Stack) -> list[Step]:
    """The whole story."""
    heard_once = Sources(stack).heard_once
    return [
        *beginning(stack),
        *acknowledged(stack),
        *mending(stack),
        Hold("nobody hears anything twice", "sinks", heard_once, until=1.5),
    ]


def beginning(stack: Stack) -> list[Step]:
    """From a quiet shop to the first page."""
    see = Sources(stack)
    return [
        Want("Prometheus scrapes the shop", "Prometheus /api/v1/query", see.scrapes),
        Want("Prometheus knows Alertmanager", "Prometheus /api/v1/alertmanagers", see.alertmanager_known),
        Want("the rule is loaded and quiet", RULES, partial(see.rule, "inactive")),
        Do("the shop breaks", "shop", partial(_break, stack), zero=True),
        Want("the rule fires", RULES, partial(see.rule, "firing")),
        Want("Alertmanager has the alert", ALERTS, see.alert),
        Want("an incident opens", INCIDENTS, partial(see.incident, "open")),
        Want("an e-mail arrives", "SMTP sink", partial(see.page, stack.mail)),
        Want("a webhook arrives", "webhook sink", partial(see.page, stack.hook)),
    ]


def acknowledged(stack: Stack) -> list[Step]:
    """A person has it: the second step of the escalation, due a few seconds later, does not come."""
    see = Sources(stack)
    silence = stack.escalate_after_seconds + 1.5
    return [
        Do("alice acknowledges", "tocsin incidents ack", see.acknowledge, after=READING_SECONDS),
        Want("the incident is acknowledged", INCIDENTS, partial(see.incident, "acknowledged")),
        Hold("nobody else is told", "sinks, receiver", see.escalation_stopped, silence, since="an incident opens"),
    ]


def mending(stack: Stack) -> list[Step]:
    """The shop recovers, and whoever was paged first hears the end."""
    see = Sources(stack)
    return [
        Do("the shop is mended", "shop", partial(_mend, stack)),
        Want("the rule is quiet again", RULES, partial(see.rule, "inactive")),
        Want("the incident resolves", INCIDENTS, partial(see.incident, "resolved")),
        Want("the all-clear arrives by e-mail", "SMTP sink", partial(see.all_clear, stack.mail)),
        Want("the all-clear arrives by webhook", "webhook sink", partial(see.all_clear, stack.hook)),
    ]


async def _break(stack: Stack) -> str:
    stack.shop.fail()
    return "the checkout answers 500 to most requests"


async def _mend(stack: Stack) -> str:
    stack.shop.mend()
    return "requests succeed again"
