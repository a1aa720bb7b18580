"""Two stories of one kind: the shop breaks, a person hears of it, says "I have it", and hears once when it is over.

`healing.py` has two more, in which Tocsin itself tries to mend it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from demo.sources import Sources
from demo.stack import Stack
from demo.timeline import Do, Hold, NotSeen, Step, Want

RULES = "Prometheus /api/v1/rules"
QUERY = "Prometheus /api/v1/query"
ALERTS = "Alertmanager /api/v2/alerts"
INCIDENTS = "receiver /api/v1/incidents"
READING_SECONDS = 0.5
CREEPING_SECONDS = 180.0  # the fault takes 75 s, and the window of the query a minute more
MENDING_SECONDS = 150.0  # the mended player's latency leaves the window of its query only slowly

SLOW = 'query="player_latency",region="eu"'
DURATIONS = 'rate(http_request_duration_seconds_bucket{service="player",region="eu"}[1m])'
LATENCY = f"histogram_quantile(0.9, sum by (le) ({DURATIONS}))"
LIMIT = "PlayerSlow"  # the fixed threshold
HISTORY = 'sum(rate(http_requests_total{service="player",region="eu"}[5m] offset 13d))'


@dataclass(frozen=True, slots=True)
class Plot:
    """What breaks, which alert tells of it, and what its page must say (a fact, and a text that stands for it)."""

    fault: str
    broken: str
    mended: str
    alert: str
    says: Mapping[str, str]
    about: str = ""  # a word that stands in its incident's title, where there are several incidents


CRASH = Plot(
    fault="failing-gateway",
    broken="the gateway answers 500 to most requests",
    mended="requests succeed again",
    alert="ShopErrorRatioHigh",
    says={
        "what is wrong": "The gateway fails ",
        "what it means": "Customers cannot pay",
        "since when": "since 20",
        "the runbook": "https://shop.example/runbooks/error-ratio",
        "how to acknowledge": "tocsin incidents ack ",
    },
)
CREEP = Plot(
    fault="slow-player",
    broken="the player in eu gets slower, little by little",
    mended="the player in eu is as quick as before",
    alert="PlayerLatencyUnusual",
    says={
        "what is wrong": "The player in eu is not as quick as it usually is",
        "what it means": "Streams will stall next",
        "since when": "since 20",
        "the runbook": "https://shop.example/runbooks/player-latency",
        "how to acknowledge": "tocsin incidents ack ",
    },
)


def creep(stack: Stack) -> list[Step]:
    """The whole loop: what no fixed limit sees, the exporter's score does."""
    see, plot = Sources(stack), CREEP
    return [
        *quiet(stack, plot),
        Want("two weeks of history are there", QUERY, partial(see.value, HISTORY, " requests/s 13 days ago")),
        Want("the player's latency is as ever", QUERY, partial(see.score, SLOW, above_1=False)),
        break_it(stack, plot),
        Want("the score says: unusual", QUERY, partial(see.score, SLOW, above_1=True), between=(0, CREEPING_SECONDS)),
        *told(stack, plot),
        *acknowledged(stack),
        Want("no fixed limit was crossed", f"{RULES}, {QUERY}", partial(_below_limit, see)),
        mend_it(stack, plot),
        Want("the score is as ever", QUERY, partial(see.score, SLOW, above_1=False), between=(0, MENDING_SECONDS)),
        *mended(stack, plot),
        heard_once(stack),
    ]


def crash(stack: Stack) -> list[Step]:
    """The loop without exporter and history: a plain rule, over in half a minute."""
    return [*beginning(stack), *acknowledged(stack), *ending(stack), heard_once(stack)]


def beginning(stack: Stack) -> list[Step]:
    """Of the crash: from a quiet shop to the first page."""
    return [*quiet(stack, CRASH), break_it(stack, CRASH), *told(stack, CRASH)]


def ending(stack: Stack) -> list[Step]:
    """Of the crash: the shop recovers, and whoever was paged first hears the end."""
    return [mend_it(stack, CRASH), *mended(stack, CRASH)]


def quiet(stack: Stack, plot: Plot) -> list[Step]:
    """Everything runs, and nothing is wrong."""
    see = Sources(stack)
    return [
        Want("Prometheus scrapes everything", "Prometheus /api/v1/targets", see.targets_up),
        Want("Prometheus knows Alertmanager", "Prometheus /api/v1/alertmanagers", see.alertmanager_known),
        Want("the rule is loaded and quiet", RULES, partial(see.rule, plot.alert, "inactive")),
    ]


def told(stack: Stack, plot: Plot) -> list[Step]:
    """From the rule to the first page."""
    see = Sources(stack, plot.about)
    return [
        Want("the rule fires", RULES, partial(see.rule, plot.alert, "firing")),
        Want("Alertmanager has the alert", ALERTS, partial(see.alert, plot.alert)),
        Want("an incident opens", INCIDENTS, partial(see.incident, "open")),
        Want("an e-mail arrives", "SMTP sink", partial(see.page, "mail", plot.says)),
        Want("a webhook arrives", "webhook sink", partial(see.page, "hook", plot.says)),
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


def mended(stack: Stack, plot: Plot) -> list[Step]:
    """Whoever was paged hears the end."""
    see = Sources(stack, plot.about)
    return [
        Want("the rule is quiet again", RULES, partial(see.rule, plot.alert, "inactive")),
        Want("the incident resolves", INCIDENTS, partial(see.incident, "resolved")),
        Want("the all-clear arrives by e-mail", "SMTP sink", partial(see.all_clear, "mail")),
        Want("the all-clear arrives by webhook", "webhook sink", partial(see.all_clear, "hook")),
    ]


def heard_once(stack: Stack) -> Step:
    return Hold("nobody hears anything twice", "sinks", Sources(stack).heard_once, until=1.5)


def break_it(stack: Stack, plot: Plot) -> Step:
    return Do("the shop breaks", "shop", partial(_fault, stack, "POST", plot.fault, plot.broken), zero=True)


def mend_it(stack: Stack, plot: Plot) -> Step:
    return Do("the shop is mended", "shop", partial(_fault, stack, "DELETE", plot.fault, plot.mended))


async def _fault(stack: Stack, method: str, fault: str, what: str) -> str:
    async with stack.http.request(method, f"{stack.urls['shop']}/faults/{fault}") as response:
        if not response.ok:
            raise NotSeen(f"the shop answers {response.status}: {await response.text()}")
    return what


async def _below_limit(see: Sources) -> str:
    await see.rule(LIMIT, "inactive")
    return f"{LIMIT} is silent: it waits for 1 s, and nine of ten requests take less than {await see.value(LATENCY)} s"
