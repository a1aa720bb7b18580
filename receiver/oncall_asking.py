"""Where the commands get their answers: from a running receiver, or from a configuration file alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

from receiver.engine.routing import Policy
from receiver.escalation.gaps import gaps_json
from receiver.oncall.current import of_name, schedules_of
from receiver.oncall.localtime import midnight_before, moment, weeks_later
from receiver.oncall.schedule import Schedule
from receiver.oncall.shapes import schedule_json, time_json, who_json
from receiver.people.directory import Directory, Reaches
from tocsin.client import Client
from tocsin.clock import Clock, SystemClock
from tocsin.errors import UsageError

Json = dict[str, Any]


class Answers(Protocol):
    """What both of them can be asked."""

    def names(self) -> list[str]: ...

    def who(self, at: str | None, schedule: str | None) -> list[Json]: ...

    def show(self, schedule: str, start: str | None, weeks: int) -> Json: ...

    def calendar(self, schedule: str, weeks: int) -> bytes: ...

    def gaps(self, weeks: int, schedule: str | None) -> Json: ...


@dataclass(frozen=True, slots=True)
class Configured:
    """The schedules, policies and people of a file; what was overridden at run time is not in it."""

    schedules: Mapping[str, Schedule]
    policies: Mapping[str, Policy]
    directory: Directory
    clock: Clock

    def names(self) -> list[str]:
        return list(self.schedules)

    def who(self, at: str | None, schedule: str | None) -> list[Json]:
        asked = [of_name(self.schedules, schedule)] if schedule else self.schedules.values()
        times = [(one, self._moment(at, one)) for one in asked]
        return [who_json(one, when, self.directory.users) | {"at": time_json(when)} for one, when in times]

    def show(self, schedule: str, start: str | None, weeks: int) -> Json:
        found = of_name(self.schedules, schedule)
        first = self._moment(start, found) if start else midnight_before(self.clock.now(), found.zone)
        return schedule_json(found, first, weeks_later(first, weeks, found.zone))

    def calendar(self, schedule: str, weeks: int) -> bytes:
        from receiver.oncall.calendar_out import to_ical

        found, now = of_name(self.schedules, schedule), self.clock.now()
        return to_ical(found.name, found.shifts(now, weeks_later(now, weeks, found.zone)), now)

    def gaps(self, weeks: int, schedule: str | None) -> Json:
        return gaps_json(self.policies, self.directory, self.schedules, self.clock.now(), weeks, schedule)

    def _moment(self, said: str | None, schedule: Schedule) -> datetime:
        if said is None:
            return self.clock.now()
        try:
            return moment(said, schedule.zone)
        except ValueError as error:
            raise UsageError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Running:
    """A receiver that runs, with all that people added to its schedules."""

    client: Client

    def names(self) -> list[str]:
        return [one["name"] for one in self.client.schedules()]

    def who(self, at: str | None, schedule: str | None) -> list[Json]:
        return list(self.client.on_call(at=at, schedule=schedule))

    def show(self, schedule: str, start: str | None, weeks: int) -> Json:
        return self.client.schedule(schedule, start=start, weeks=weeks)

    def calendar(self, schedule: str, weeks: int) -> bytes:
        return self.client.calendar(schedule, weeks)

    def gaps(self, weeks: int, schedule: str | None) -> Json:
        return self.client.on_call_gaps(weeks=weeks, schedule=schedule)


def asked(config_file: Path | None, url: str | None) -> Answers:
    """Whom a command asks.

    Raises:
        InputError: the file has problems.
        UsageError: the URL is none, or both are given.
    """
    if config_file is None:
        return Running(Client.from_environment(url))
    if url is not None:
        raise UsageError("--config.file works without a receiver: leave --url out, or leave --config.file out")
    from receiver.config import ReceiverConfig
    from receiver.notify.channels import KINDS
    from tocsin.config import load

    config = load(config_file, ReceiverConfig)
    schedules, policies = schedules_of(config.schedules), config.routing().policies
    if not schedules and not policies:
        raise UsageError(f"{config_file}: has no schedules; write them under schedules (docs/reference/oncall.md)")
    # Whom a kind of channel reaches is known without the channel, whose secrets need not be here.
    reaches = {name: cast("Reaches", KINDS[one.kind][1]) for name, one in config.channels.items()}
    return Configured(schedules, policies, config.directory(reaches), SystemClock())


def chosen(answers: Answers, schedule: str | None) -> list[str]:
    """The schedules that a command is about."""
    return [schedule] if schedule else answers.names()
