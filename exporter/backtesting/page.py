"""A backtest as a page that stands alone: figures, an overview, pictures of those with the most to see."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
import numpy as np

from exporter.backtesting.report import Report
from exporter.backtesting.tally import Tally
from exporter.backtesting.text import fit, lasted, local, number, percent, strongest_rows
from exporter.names import key_of, show
from exporter.plotting.picture import FAINT, GREY, INK, RED, Sheet, draw
from exporter.plotting.units import unit_of
from exporter.replaying.choosing import Span
from exporter.replaying.desk import Case
from exporter.replaying.replay import horizon_of, replay

PICTURES, STRIPS, EVENTS = 3, 30, 100

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Backtest of {{ r.query }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 860px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em; margin-bottom: 0 } h2 { font-size: 1.15em; margin-top: 2em }
code { font-size: .9em; color: #555; overflow-wrap: anywhere } p.note { color: #666; font-size: .9em }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } th { text-align: left; font-weight: 600 }
th, td { padding: .25em 1em .25em 0; border-bottom: 1px solid #e4e4e4; vertical-align: top } td.n, th.n { text-align: right }
.figures { display: flex; flex-wrap: wrap; gap: .5em 2.5em; margin: 1em 0 } .figures b { display: block; font-size: 1.5em }
svg { max-width: 100%; height: auto }
</style></head><body>
<h1>Backtest of {{ r.query }}</h1>
<p><code>{{ r.expr }}</code><br>{{ start }} to {{ end }} ({{ zone }}), every {{ "%g"|format(r.step_seconds) }} s,
after {{ "%g"|format(r.history_seconds / 86400) }} days of history</p>
<div class="figures">
<div><b>{{ r.series }}</b>series</div><div><b>{{ r.events_total }}</b>events</div>
<div><b>{{ "%.2g"|format(r.events_per_series_month or 0) }}</b>events a series and month</div>
<div><b>{{ percent(r.high_share) }}</b>of points above 1</div>
<div><b>{{ percent(r.band_share) }}</b>within the band</div>
<div><b>{{ percent(r.missing_share) }}</b>missing</div></div>
<p class="note">Were all events false, the rate of false alarms would be {{ "%.2g"|format(r.events_per_series_month or 0) }} a series
and month; <code>false_alarms_per_month</code> asks for {{ "%g"|format(r.false_alarms_per_month_asked) }}.</p>
<h2>Overview</h2>
{{ overview|safe }}
{% if r.forecasts %}<h2>Forecasts</h2>
<table><tr><th>ahead</th><th class="n">error / naive</th><th class="n">within the bounds</th><th class="n">forecasts</th></tr>
{% for row in r.forecasts %}<tr><td>{{ row.horizon }}</td><td class="n">{{ number(row.error_to_naive) }}</td>
<td class="n">{{ percent(row.held_share) }}</td><td class="n">{{ row.forecasts }}</td></tr>
{% endfor %}</table>
<p class="note">Naive: the same time a day before; below 1 is better than that (median of series). The bounds are meant to
hold 90 %.</p>{% endif %}
{% if pictures %}<h2>The strongest</h2>{% for picture in pictures %}<div>{{ picture|safe }}</div>{% endfor %}{% endif %}
{% if events %}<h2>Events{% if events|length < r.events_total %} (the strongest {{ events|length }} of {{ r.events_total }}){% endif %}</h2>
<table><tr><th>began</th><th class="n">lasted</th><th class="n">score</th><th class="n">value</th><th class="n">expected</th><th>series</th></tr>
{% for event in events %}<tr><td>{{ local(event.start) }}</td><td class="n">{{ lasted(event) }}</td><td class="n">{{ "%.2f"|format(event.score) }}</td>
<td class="n">{{ number(event.value) }}</td><td class="n">{{ number(event.expected) }}</td><td><code>{{ show(event.labels) }}</code></td></tr>
{% endfor %}</table>{% endif %}
</body></html>
"""  # noqa: E501 - a page's lines


def page(case: Case, tally: Tally, found: Report) -> str:
    """The page.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    zone = ZoneInfo(case.query.time_zone)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(PAGE).render(
        r=found,
        zone=zone.key,
        start=local(found["start"], zone),
        end=local(found["end"], zone),
        overview=overview(case, tally, found),
        pictures=_pictures(case, found),
        events=sorted(found["events"], key=lambda event: -event["score"])[:EVENTS],
        number=number,
        percent=percent,
        lasted=lasted,
        local=lambda moment: local(moment, zone),
        show=lambda labels: show(key_of(labels)),
    )


def overview(case: Case, tally: Tally, found: Report) -> str:
    """A strip for each series: the darker, the higher its score; those with most events first. An SVG."""
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.figure import Figure

    chosen = found["by_series"][:STRIPS]
    rows = {key_of(dict(key)): row for row, key in enumerate(case.keys)}
    worst = tally.worst[[rows[key_of(row["labels"])] for row in chosen]]
    figure = Figure(figsize=(8.0, 0.75 + 0.24 * len(chosen)), facecolor="white")
    axes: Any = figure.add_axes((0.3, 0.42 / figure.get_figheight(), 0.69, 1 - 0.75 / figure.get_figheight()))
    zone = ZoneInfo(case.query.time_zone)
    first, last = (date2num(datetime.fromtimestamp(when, UTC)) for when in (tally.start, tally.end + case.frame.step))  # type: ignore[no-untyped-call]
    colours = ListedColormap(["#F3F3F3", "#F7C6A3", RED, "#7A2E00"]).with_extremes(bad="white")
    axes.imshow(
        np.ma.masked_invalid(worst), aspect="auto", interpolation="nearest", cmap=colours,
        norm=BoundaryNorm([0.0, 1.0, 2.0, 5.0, 1e9], 4), extent=(first, last, len(chosen) - 0.5, -0.5),
    )  # fmt: skip
    axes.xaxis_date(tz=zone)
    locator = AutoDateLocator(tz=zone, minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, tz=zone, show_offset=False)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)
    axes.set_yticks(range(len(chosen)), [fit(show(key_of(row["labels"])), 36) for row in chosen])
    for tick in axes.get_yticklabels():
        tick.set_parse_math(False)
    axes.set_yticks(np.arange(0.5, len(chosen) - 1), minor=True)
    axes.grid(which="minor", color="white", lw=2)
    axes.tick_params(labelsize=8, colors=INK, length=0, which="both")
    axes.spines[:].set_color(FAINT)
    _key(figure, colours)
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    return _bare(stream.getvalue())


def _key(figure: Any, colours: Any) -> None:
    """What the colours mean, above the strips."""
    from matplotlib.patches import Patch

    names = ("below 1", "1 to 2", "2 to 5", "above 5")
    patches = [Patch(facecolor=colours(place), edgecolor=GREY, lw=0.4) for place in range(len(names))]
    figure.legend(
        patches, [f"score {names[0]}", *names[1:]], loc="upper right", bbox_to_anchor=(0.995, 1.0), ncols=4,
        frameon=False, fontsize=8, labelcolor=INK, handlelength=1.2, columnspacing=1.2, borderaxespad=0.1,
    )  # fmt: skip


def _pictures(case: Case, found: Report) -> Sequence[str]:
    """The series with the strongest events, scored once more and drawn."""
    keys = [key_of(labels) for labels in strongest_rows(found, PICTURES)]
    rows = [case.keys.index(key) for key in keys]
    if not rows:
        return []
    span: Span = case.span
    frame = type(case.frame)(
        case.frame.values[rows], tuple(case.frame.labels[row] for row in rows), case.frame.start, case.frame.step
    )
    played = replay(case.model, frame, span.start, horizon_of(case.query, span.end - span.start))
    sheet = Sheet(case.query.name, "", case.query.time_zone, unit_of(case.query.expr))
    return [_bare(draw(played.row(row), [show(key)], sheet, "svg").decode()) for row, key in enumerate(keys)]


def _bare(svg: str) -> str:
    """An SVG without its XML head, to stand in a page."""
    return svg[svg.index("<svg") :]
