"""Two stories in which Tocsin tries to mend the shop: once it helps; once it is in vain and is taken back."""

from __future__ import annotations

from functools import partial

from demo.repairs import Repairs
from demo.stack import Stack
from demo.story import ALERTS, INCIDENTS, READING_SECONDS, RULES, Plot, break_it, mend_it, mended
from demo.timeline import Do, Hold, Step, Want

SHOP = "shop /admin"
RUNS = "receiver /api/v1/incidents"
COMMAND = "tocsin runbooks approvals approve"

STUCK = Plot(
    fault="stuck-recommender",
    broken="the recommender answers 500 to most requests, and would until it is restarted",
    mended="",
    alert="ShopErrorRatioHigh",
    says={},
    about="recommender",
)
ASKS = {
    "what would be done": "POST /admin/recommender/restart",
    "what the guard says": "requests a second that still succeed",
    "how to approve": "tocsin runbooks approvals approve ",
}
HELPED = {"that it was over": "resolved", "what mended it": "restart-service"}

HOPELESS = Plot(
    fault="failing-catalogue",
    broken="the catalogue answers 500 to most requests, and so would its standby",
    mended="a person has mended the catalogue",
    alert="ShopErrorRatioHigh",
    says={},
    about="catalogue",
)
IN_VAIN = {"what was tried": "standby-in-front", "what came of it": "did not help catalogue and was rolled back"}


def healing(stack: Stack) -> list[Step]:
    """Both, one after the other."""
    return [*helped(stack), *in_vain(stack)]


def helped(stack: Stack) -> list[Step]:
    """A runbook asks, a second person agrees, it is done once, it helps, and nobody has to do anything."""
    see = Repairs(stack, STUCK.about)
    return [
        Want("the rule is quiet", RULES, partial(see.rule, STUCK.alert, "inactive")),
        break_it(stack, STUCK),
        Want("the rule fires", RULES, partial(see.rule, STUCK.alert, "firing")),
        Want("Alertmanager has the alert", ALERTS, partial(see.alert, STUCK.alert)),
        Want("an incident opens", INCIDENTS, partial(see.incident, "open")),
        Want("a runbook waits for approval", RUNS, partial(see.run_is, "awaiting")),
        Want("an e-mail asks for it", "SMTP sink", partial(see.asked, "mail", ASKS)),
        Want("a webhook asks for it", "webhook sink", partial(see.asked, "hook", ASKS)),
        Hold("nothing is done unasked", SHOP, partial(see.restarted, "recommender", 0), until=READING_SECONDS),
        Do("alice acknowledges", "tocsin incidents ack", see.acknowledge),
        Do("bob approves", COMMAND, partial(see.approve, "bob")),
        Want("the recommender is restarted", SHOP, partial(see.restarted, "recommender", 1)),
        Want("it is verified that it helped", RUNS, partial(see.run_is, "over", "succeeded")),
        *mended(stack, STUCK),
        Want("the all-clear names the repair", "SMTP sink", partial(see.told, "mail", HELPED)),
        Want("nobody else is told", "sinks", partial(see.unheard, "second")),
        Want("it was done once", SHOP, partial(see.restarted, "recommender", 1)),
        Want("each step is told in order", RUNS, partial(see.did, *_DONE)),
    ]


def in_vain(stack: Stack) -> list[Step]:
    """A runbook begins by itself and does not help: it is taken back, and the next people come at once."""
    see = Repairs(stack, HOPELESS.about)
    return [
        break_it(stack, HOPELESS),
        Want("the rule fires", RULES, partial(see.rule, HOPELESS.alert, "firing")),
        Want("an incident opens", INCIDENTS, partial(see.incident, "open")),
        Want("a standby is put in front", SHOP, partial(see.standby, "catalogue", there=True)),
        Want("it did not help", RUNS, partial(see.run_is, "over", "rolled_back")),
        Want("it is taken back", SHOP, partial(see.standby, "catalogue", there=False)),
        Want(
            "the next people come at once",
            "webhook sink",
            partial(see.told, "second", IN_VAIN),
            since="it did not help",
        ),
        Want("each step is told in order", RUNS, partial(see.did, *_TAKEN_BACK)),
        Do("alice acknowledges", "tocsin incidents ack", see.acknowledge),
        mend_it(stack, HOPELESS),
        *mended(stack, HOPELESS),
    ]


_STEP = ("step_began", "step_ended")
_DONE = ("proposed", "approved", "started", *_STEP, "verified", "ended")
_TAKEN_BACK = ("proposed", "started", *_STEP, "verified", *_STEP, "ended")
