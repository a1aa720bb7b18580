"""The story in a terminal or a file: plain lines, no control characters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from demo.timeline import Outcome, Step, play

# (what it is, the server, the page to open)
PAGES = (
    ("Prometheus", "prometheus", "/alerts"),
    ("Alertmanager", "alertmanager", "/#/alerts"),
    ("Tocsin's receiver", "receiver", "/api/v1/incidents"),
    ("Tocsin's exporter", "exporter", "/metrics"),
    ("the shop", "shop", "/metrics/player-eu"),
    ("messages that arrived", "sinks", "/messages"),
)


def tell(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)


def show_addresses(urls: Mapping[str, str]) -> None:
    for what, server, page in PAGES:
        if server in urls:
            tell(f"  {what:<21}  {urls[server]}{page}")


async def show_story(steps: Iterable[Step], check: Callable[[], None]) -> list[Outcome]:
    """Plays the steps and tells each as it happens; gives back how each went. Only the last can have failed."""
    tell("  seconds  step                              where it was seen")
    outcomes = []
    async for outcome in play(steps, check=check):
        tell(line(outcome))
        outcomes.append(outcome)
    return outcomes


def line(outcome: Outcome) -> str:
    """One step: seconds since the fault, what, where, and what was seen there."""
    when = "before" if outcome.seconds is None else f"{outcome.seconds:.1f}"
    name = outcome.step.name if outcome.seen else f"{outcome.step.name}: NO"
    return f"  {when:>7}  {name:<32}  {outcome.step.where}: {outcome.what}"
