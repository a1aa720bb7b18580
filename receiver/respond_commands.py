"""`tocsin incidents create|ack|resolve|snooze|unsnooze|reassign|escalate|severity|comment`: what people do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer

from receiver.cli import By, Url, client, show, who
from receiver.local_times import local, moment, now_here
from tocsin.errors import TocsinError, UsageError
from tocsin.options import Output

Json = dict[str, Any]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Incidents' ids, or their beginnings.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="An incident's id, or its beginning.")]
Reason = Annotated[str | None, typer.Option(help="Why; it stands on the timeline.")]
SeverityWord = Literal["critical", "warning", "info"]


def create(
    title: Annotated[str, typer.Argument(help="What is wrong, on one line.")],
    severity: Annotated[SeverityWord, typer.Option(help="How soon somebody must look.")] = "warning",
    tenant: Annotated[str | None, typer.Option(help="Whose it is. Default: your own, else `default`.")] = None,
    description: Annotated[str | None, typer.Option(help="What else is known; the first comment.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Chooses the route. Can be repeated.")
    ] = None,
    notify: Annotated[
        list[str] | None, typer.Option(metavar="TARGET", help="Told at once: bob, team:payments. Can be repeated.")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Instead of the one that the labels choose.")] = None,
    key: Annotated[str, typer.Option(help="Names this incident, so that it is opened once.")] = "",
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Opens an incident that no alert tells of.

    \b
    Example:
      tocsin incidents create "Payments are stuck" --severity critical
      tocsin incidents create "Cable cut in Lyon" --label service=backbone --notify team:network
    """
    answer = client(url).raise_incident(
        title,
        severity=severity,
        tenant=tenant,
        description=description,
        labels=dict(_label(text) for text in label) if label else None,
        notify=notify,
        policy=policy,
        by=who(by, url),
        key=key,
    )
    show(output, answer, lambda: f"{answer['id']} {answer['title']}: {answer['reason']}")


def ack(incidents: Ids, reason: Reason = None, by: By = None, url: Url = None, output: Output = "text") -> None:
    """Says that you have it: nobody else is told.

    \b
    Example:
      tocsin incidents ack k3f9x2
      tocsin incidents ack k3f9x2 17r2so
    """
    ask, name = client(url), who(by, url)
    _each(incidents, output, lambda one: ask.acknowledge(one, by=name, reason=reason), _acknowledged)


def resolve(incidents: Ids, reason: Reason = None, by: By = None, url: Url = None, output: Output = "text") -> None:
    """Says that it is over. Alerts that still fire page again only once they have ended and come back.

    \b
    Example:
      tocsin incidents resolve k3f9x2 --reason "rolled back"
    """
    ask, name = client(url), who(by, url)
    _each(incidents, output, lambda one: ask.resolve(one, by=name, reason=reason), _resolved)


def snooze(
    incidents: Ids,
    duration: Annotated[str | None, typer.Option("--for", help="How long: 2h, 1h30m; at most 30d.")] = None,
    until: Annotated[str | None, typer.Option(help="Until when: 06:00, 2026-12-01T06:00, in your time zone.")] = None,
    reason: Reason = None,
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Leaves it alone for a while: nobody is told, and what is then still open escalates anew.

    \b
    Example:
      tocsin incidents snooze k3f9x2 --for 2h
      tocsin incidents snooze k3f9x2 --until 06:00 --reason "the batch is done by then"
    """
    if (duration is None) == (until is None):
        raise UsageError("say until when: --for 2h or --until 06:00")
    ask, name, end = client(url), who(by, url), None if until is None else moment(until, now_here())
    _each(
        incidents,
        output,
        lambda one: ask.snooze(one, for_=duration, until=end, by=name, reason=reason),
        lambda answer: f"snoozed until {local(answer['snoozed_until'], now_here())}{_still(answer)}",
    )


def unsnooze(incidents: Ids, reason: Reason = None, by: By = None, url: Url = None, output: Output = "text") -> None:
    """Ends a snooze: the incident escalates from its first step.

    \b
    Example:
      tocsin incidents unsnooze k3f9x2
    """
    ask, name = client(url), who(by, url)
    _each(
        incidents,
        output,
        lambda one: ask.unsnooze(one, by=name, reason=reason),
        lambda answer: "no longer snoozed: its escalation begins anew",
    )


def reassign(
    incidents: Ids,
    to: Annotated[str, typer.Option("--to", metavar="TARGET", help="bob, team:NAME, schedule:NAME, skill:NAME.")],
    reason: Reason = None,
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Gives it to somebody: they are told at once, and the policy goes on if they do not acknowledge.

    \b
    Example:
      tocsin incidents reassign k3f9x2 --to bob
      tocsin incidents reassign k3f9x2 --to team:payments --reason "theirs"
    """
    ask, name = client(url), who(by, url)
    _each(
        incidents,
        output,
        lambda one: ask.reassign(one, to, by=name, reason=reason),
        lambda answer: f"given to {answer['assigned_to']}, who is told now",
    )


def escalate(
    incidents: Ids,
    policy: Annotated[str | None, typer.Option(help="By this policy, from its beginning.")] = None,
    reason: Reason = None,
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Tells the next people now, or those of another policy.

    \b
    Example:
      tocsin incidents escalate k3f9x2
      tocsin incidents escalate k3f9x2 --policy management --reason "customers are calling"
    """
    ask, name = client(url), who(by, url)
    done = (
        f"escalates by the policy {policy}, from its beginning" if policy else "the next step of its policy comes now"
    )
    _each(incidents, output, lambda one: ask.escalate(one, policy=policy, by=name, reason=reason), lambda answer: done)


def severity(
    incident: Id,
    severity: Annotated[SeverityWord, typer.Argument(help="How bad it is.")],
    reason: Reason = None,
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Says how bad it is: raises or lowers its severity.

    \b
    Example:
      tocsin incidents severity k3f9x2 critical --reason "all of Europe"
    """
    ask, name = client(url), who(by, url)
    _each(
        [incident],
        output,
        lambda one: ask.rate(one, severity, by=name, reason=reason),
        lambda answer: f"{severity} from now on",
    )


def comment(
    incident: Id,
    text: Annotated[str, typer.Argument(help="What is to be said.")],
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Says something of it, on its timeline.

    \b
    Example:
      tocsin incidents comment k3f9x2 "The vendor is on it"
    """
    ask, name = client(url), who(by, url)
    _each([incident], output, lambda one: ask.comment(one, text, by=name), lambda answer: "noted")


COMMANDS = (create, ack, resolve, snooze, unsnooze, reassign, escalate, severity, comment)


def _each(incidents: list[str], output: str, does: Callable[[str], Json], says: Callable[[Json], str]) -> None:
    """Does it with one after the other. What cannot be done with one keeps none of the others from it; exit 1 then."""
    answers, failed = [], False
    for incident in incidents:
        try:
            answers.append(does(incident))
        except TocsinError as error:
            if len(incidents) == 1:
                raise
            failed = True
            typer.echo(f"tocsin: {error}", err=True)
    if answers:
        told = answers[0] if len(incidents) == 1 else {"items": answers}
        show(output, told, lambda: "\n".join(_line(answer, says) for answer in answers))
    if failed:
        raise typer.Exit(1)


def _line(answer: Json, says: Callable[[Json], str]) -> str:
    return f"{answer['id']} {answer['title']}: {says(answer) if answer['changed'] else answer['reason']}"


def _acknowledged(answer: Json) -> str:
    return "acknowledged: nobody else is told"


def _resolved(answer: Json) -> str:
    firing = answer["firing"]
    return "resolved" + (
        f"; {firing} of its alerts still fire and page again only when they come back" if firing else ""
    )


def _still(answer: Json) -> str:
    firing = answer["firing"]
    return "" if not firing else "; 1 alert still fires" if firing == 1 else f"; {firing} alerts still fire"


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{text!r} is not a label; write it as service=payments")
    return name, value
