"""`python -m demo.measuring`: false alerts in two normal weeks, and how soon each fault is told of."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from demo.measuring import page
from demo.measuring.measure import Measuring
from demo.measuring.plan import NORMAL, PLAYS
from demo.measuring.showing import as_json, text
from demo.processes import CommandFailed, Died
from demo.show import tell
from demo.stack import BINARIES


def main() -> int:
    """The exit code: 0 if every fault was found, 1 if one was not, or something did not do its part."""
    arguments = _arguments()
    plays = [play for play in PLAYS if play.fault in (arguments.fault or {play.fault})]
    days = timedelta(days=arguments.exporter_days)
    quiet = arguments.format == "json"
    try:
        with tempfile.TemporaryDirectory(prefix="tocsin-measuring-", dir=arguments.folder) as folder:
            how = Measuring(arguments.binaries.resolve(), Path(folder), _silent if quiet else tell, days)
            measured = asyncio.run(how.measured(plays))
    except (Died, CommandFailed) as error:
        print(f"it cannot be measured: {error}", file=sys.stderr)
        return 1
    print(as_json(measured.plan, measured.verdicts) if quiet else text(measured.verdicts), end="")
    if arguments.write:
        page.write(measured.verdicts, arguments.write)
    return int(any(verdict.missed for verdict in measured.verdicts))


def _silent(text: str, end: str = "\n") -> None:
    """Tells nobody."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m demo.measuring",
        description="The packs over time-compressed history: false alerts in two normal weeks, and how soon each "
        "fault of the demo is told of.",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how it is printed")
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help=f"renews the measured table in a page, as {page.PAGE.name}"
    )
    parser.add_argument("--fault", action="append", choices=[play.fault for play in PLAYS], help="only this one")
    parser.add_argument(
        "--exporter-days", type=int, default=NORMAL.days, metavar="N", help="normal days for the exporter; default: all"
    )
    parser.add_argument("--binaries", type=Path, default=BINARIES, metavar="DIR", help="prometheus and promtool")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where its files lie while it runs (3 GB)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
