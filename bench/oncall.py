"""On-call schedules: how quick the answers are, and whether they are those of the exported calendar at every moment.

python -m bench.oncall [--years 10] [--minutes 10000] [--zones 20]
"""

from __future__ import annotations

import argparse
import time
from datetime import timedelta

from receiver.oncall.settings import ScheduleSettings
from tests.receiver.oncall.properties import START, ZONES, check, schedule


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("--years", 10), ("--minutes", 10_000), ("--zones", len(ZONES))):
        parser.add_argument(option, type=int, default=default)
    said = parser.parse_args()
    _figures()
    for number in range(said.zones):
        begun = time.process_time()
        moments = check(number, START, 365 * said.years + 3, minutes=said.minutes)
        took = time.process_time() - begun
        print(f"{ZONES[number][0]:22} {moments:9,} moments, the calendar says the same  ({took:.0f} s)", flush=True)


def _figures() -> None:
    plain = ScheduleSettings.model_validate(
        {
            "timezone": "Europe/Berlin",
            "layers": [
                {"rotation": "weekly", "users": ["a", "b", "c"], "start": "2026-01-05", "handover": "Mon 09:00"}
            ],
        }
    ).schedule("plain")
    end = START + timedelta(days=3653)
    for name, asked in (("one weekly rotation", plain), ("four layers, 61 overrides", schedule(0))):
        moments = [end - timedelta(hours=7 * step) for step in range(200)]
        at = min(_seconds(lambda: [asked.at(moment) for moment in moments]) for _ in range(5)) / len(moments)  # noqa: B023
        listed = _seconds(lambda: asked.shifts(START, end))  # noqa: B023
        print(f"{name}: at() {at * 1e6:.0f} µs, shifts() of ten years {listed:.2f} s")


def _seconds(work: object) -> float:
    assert callable(work)
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
