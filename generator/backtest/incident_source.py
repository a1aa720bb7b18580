"""Known incidents, from a file or from the receiver."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from generator.backtest import incident_file, moments
from generator.backtest.incident import MOST, Incident, Incidents
from generator.backtest.incident_schema import Told
from tocsin.client import Client
from tocsin.errors import InputError, TocsinError, UsageError
from tocsin.problem import Position, Problem

LONGEST = timedelta(days=30)  # an incident that was opened so long before the range, and is resolved, is not asked for


def known(source: str, start: datetime, end: datetime) -> Incidents:
    """The incidents of a file or of the receiver at an address that touch the range.

    A receiver is asked with the token in TOCSIN_TOKEN_FILE.

    Raises:
        InputError: with every problem of the file.
        UsageError: the address holds a password.
        TocsinError: the receiver does not answer, or refuses.
    """
    if not source.startswith(("http://", "https://")):
        found = incident_file.read(Path(source))
        if found.problems:
            raise InputError(found.problems)
        return found.within(start, end)
    if urlsplit(source).password is not None:
        hint = "others can read it there; write a token into a file and name that in TOCSIN_TOKEN_FILE"
        raise UsageError(f"--incidents: a password stands in the address; {hint}")
    return _asked(Client.from_environment(source), source, start, end).within(start, end)


def _asked(client: Client, source: str, start: datetime, end: datetime) -> Incidents:
    found = {one.id: one for one in islice(_told(client, start, end), MOST + 1)}
    problems: list[Problem] = []
    if len(found) > MOST:
        message = f"tells of more than {MOST:,} incidents: only the newest are looked at"
        problems.append(Problem("incidents", message, Position(source), "choose a shorter --since", severity="warning"))
    return Incidents(tuple(found.values())[:MOST], source, problems=tuple(problems))


def _told(client: Client, start: datetime, end: datetime) -> Iterator[Incident]:
    """Those that were opened in the range or not long before; of those before, the ones that are still open."""
    earliest, latest = moments.as_json(start - LONGEST), moments.as_json(end)
    pages = [
        client.incidents(opened_after=earliest, opened_before=latest),
        client.incidents(status=["open", "acknowledged"], opened_before=earliest),
    ]
    for page in pages:
        for item in page:
            try:
                told = Told.model_validate(item)
            except ValueError as error:
                message = f"{client.url}: an incident that cannot be read; is this Tocsin's receiver?"
                raise TocsinError(message) from error
            if not told.merged_into:
                yield told.incident()
