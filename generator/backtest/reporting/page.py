"""The template of a backtest's page."""

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Backtest of {{ r.alerts|length }} alert rules</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --ink: #1f2933; --faint: #64707d; --line: #e1e5ea; --paper: #fff; --shade: #f3f5f8;
  --red: #c8322b; --amber: #b7791f; --c0: #2563eb; --c1: #d97706; --c2: #059669; --c3: #9333ea; --c4: #0891b2;
  --c5: #be185d; --c6: #65a30d; --c7: #475569 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ed; --faint: #9aa6b4; --line: #333c47; --paper: #14181d;
  --shade: #1f252d; --red: #f2746b; --amber: #e0b04c; --c0: #6ea0ff; --c1: #f5a742; --c2: #3ecf9a; --c3: #c08cff;
  --c4: #42c8e0; --c5: #f277ac; --c6: #a6d94c; --c7: #a9b6c6 } }
body { font: 15px/1.5 system-ui, 'DejaVu Sans', sans-serif; color: var(--ink); background: var(--paper); max-width: 920px;
  margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em; margin-bottom: 0 } h2 { font-size: 1.2em; margin-top: 2em } h3 { font-size: 1.05em; margin: 2em 0 .2em }
code, pre { font: .88em ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; overflow-wrap: anywhere }
p { margin: .4em 0 } .faint, .faint code { color: var(--faint); font-size: .9em } .note { color: var(--amber) }
.figures { display: flex; flex-wrap: wrap; gap: .5em 2.5em; margin: 1em 0 } .figures b { display: block; font-size: 1.5em }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th { text-align: left; font-weight: 600; white-space: nowrap } td.n, th.n { text-align: right; white-space: nowrap }
th, td { padding: .25em .9em .25em 0; border-bottom: 1px solid var(--line); vertical-align: top }
td:first-child code { white-space: nowrap } a { color: inherit } ul { padding-left: 1.2em; margin: .4em 0 } summary { cursor: pointer }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .1em 1.4em; font-size: .9em }
pre { background: var(--shade); padding: .6em .8em; overflow-x: auto }
svg { max-width: 100%; height: auto; vertical-align: middle } svg text { font: 11px system-ui, 'DejaVu Sans', sans-serif; fill: var(--faint) }
svg path { fill: none } .grid { stroke: var(--line) } .axis { stroke: var(--faint) } .paper { fill: var(--shade) }
.curve { stroke-width: 1.4; stroke-linejoin: round } .c0 { stroke: var(--c0) } .c1 { stroke: var(--c1) }
.c2 { stroke: var(--c2) } .c3 { stroke: var(--c3) } .c4 { stroke: var(--c4) } .c5 { stroke: var(--c5) }
.c6 { stroke: var(--c6) } .c7 { stroke: var(--c7) } .threshold { stroke: var(--red); stroke-dasharray: 6 4; stroke-width: 1.3 }
.band { fill: var(--red); opacity: .16 } .fired { fill: var(--red) } .incident { fill: var(--amber) }
.begin { stroke: var(--amber); stroke-dasharray: 2 3 } .bar { fill: var(--c0) }
</style></head><body>
{% macro score_cells(score) %}
<td class="n" title="{{ w.of(score.matched, score.firings, 'firing') }}">{{ w.share(score.precision) }}</td>
<td class="n" title="{{ w.of(score.found|length, score.possible|length, 'incident') }}">{{ w.share(score.recall) }}</td>
<td class="n">{{ w.lead(score.lead) }}</td>
{% endmacro %}
<h1>Backtest</h1>
<p>{{ w.plural(r.alerts|length, "alert rule") }}, {{ range }}</p>
<div class="figures">
<div><b>{{ "{:,}".format(whole.tally.firings) }}</b>firings</div>
<div><b>{{ "{:,}".format(whole.tally.flaps) }}</b>flaps</div>
<div><b>{{ lasted(whole.tally.firing) }}</b>firing in all</div>
<div><b>{{ w.rate(whole.pages_a_week) }}</b>pages a week</div>
{% if whole.score %}
<div><b>{{ w.share(whole.score.precision) }}</b>precision ({{ w.of(whole.score.matched, whole.score.firings, "firing") }})</div>
<div><b>{{ w.share(whole.score.recall) }}</b>recall ({{ w.of(whole.score.found|length, whole.score.possible|length, "incident") }})</div>
<div><b>{{ w.lead(whole.score.lead) }}</b>lead</div>
{% endif %}
</div>
{% if whole.score %}
<p class="faint">Against {{ w.on_incidents(r) }}. {{ w.LEAD[0]|upper }}{{ w.LEAD[1:] }}.</p>
{% endif %}
<p class="faint">{{ w.FLAPS[0]|upper }}{{ w.FLAPS[1:] }}. Pages are firings that began within the range.</p>
{% for told in w.unknown(r) %}<p class="note">{{ told }}</p>{% endfor %}
{% if r.problems %}
<ul>{% for problem in r.problems %}
<li class="note">{{ problem.at }}: {{ w.clean(problem.message) }}{% if problem.hint %} ({{ w.clean(problem.hint) }}){% endif %}</li>
{% endfor %}</ul>
{% endif %}
{% if r.comparison %}
<h2>Compared with before: {{ changes }}</h2>
<div class="wide"><table><tr><th>alert</th>{% for what, _ in effects(r.comparison.before, whole) %}<th class="n">{{ what }}</th>{% endfor %}</tr>
{% for one in r.comparison.differences %}
<tr><td><code>{{ w.clean(one.name) }}</code> ({{ one.kind }})</td>{% for _, change in effects(one.before, one.after) %}<td class="n">{{ change }}</td>{% endfor %}</tr>
{% endfor %}
<tr><td><b>all rules</b></td>{% for _, change in effects(r.comparison.before, whole) %}<td class="n">{{ change }}</td>{% endfor %}</tr></table></div>
{% for one in r.comparison.differences %}{% if one.pair.changes %}
<details><summary><code>{{ w.clean(one.name) }}</code></summary>
{% for change in one.pair.changes %}<p class="faint">{{ w.clean(change.what) }}</p><pre>{% for line in lines(change) %}{{ w.printable(line) }}
{% endfor %}</pre>{% endfor %}</details>
{% endif %}{% endfor %}
{% endif %}
<h2>Rules</h2>
<div class="wide"><table><tr><th>alert</th><th class="n">firings</th><th class="n">flaps</th><th class="n">firing</th>
<th class="n">pages a week</th>{% if whole.score %}<th class="n">precision</th><th class="n">recall</th><th class="n">lead</th>{% endif %}<th>when</th></tr>
{% for alert, place in rows %}
<tr><td>{% if place in linked %}<a href="#a{{ place }}"><code>{{ w.name(alert) }}</code></a>{% else %}<code>{{ w.name(alert) }}</code>{% endif %}</td>
{% if alert.summary.state in ("no data", "failed") %}
<td class="n note" colspan="{{ 7 if whole.score else 4 }}">{{ alert.summary.state }}</td>
{% else %}
<td class="n">{{ "{:,}".format(alert.summary.tally.firings) }}</td><td class="n">{{ "{:,}".format(alert.summary.tally.flaps) }}</td>
<td class="n">{{ lasted(alert.summary.tally.firing) }}</td><td class="n">{{ w.rate(alert.summary.pages_a_week) }}</td>
{% if alert.score %}{{ score_cells(alert.score) }}{% endif %}
{% endif %}
<td>{{ strip(alert) }}</td></tr>
{% endfor %}</table></div>
{% if more %}<p class="faint">and {{ more }} more</p>{% endif %}
{% if hours %}
<h2>Pages a week by hour of day ({{ zone }})</h2>
<div class="wide">{{ hours }}</div>
{% endif %}
{% if r.setting.incidents %}
<h2>Incidents</h2>
<div class="wide"><table><tr><th>began</th><th>ended</th><th>title</th><th>told of by</th><th class="n">lead</th></tr>
{% for one in incidents %}
<tr><td>{{ minute(one.incident.start) }}</td><td>{{ minute(one.incident.end) if one.incident.end else "open" }}</td><td>{{ w.clean(one.incident.title) }}</td>
<td>{% if one.told_by %}{{ w.name(one.told_by[0]) }}{% if one.told_by|length > 1 %} and {{ one.told_by|length - 1 }} more{% endif %}{% else %}<span class="note">nobody</span>{% endif %}</td>
<td class="n">{{ w.lead(one.lead) }}</td></tr>
{% endfor %}</table></div>
{% if incidents_left %}<p class="faint">and {{ incidents_left }} more</p>{% endif %}
{% endif %}
{% for picture in pictures %}
{% set alert = picture.alert %}
<h3 id="a{{ picture.place }}"><code>{{ w.name(alert) }}</code></h3>
<p class="faint">{{ w.group(alert) }}, every {{ lasted(alert.summary.outcome.interval) }}{% if alert.rule.hold %}, for {{ lasted(alert.rule.hold) }}{% endif %}{% if alert.rule.keep_firing_for %}, kept for {{ lasted(alert.rule.keep_firing_for) }}{% endif %}:
<code>{{ w.clean(alert.rule.expr.text) }}</code></p>
{% if alert.summary.outcome.pending %}<p class="faint">{{ w.in_vain(alert.summary.outcome.pending) }}</p>{% endif %}
{% for note in picture.notes %}<p class="note">{{ note }}</p>{% endfor %}
<div class="wide">{{ picture.chart }}</div>
{% if picture.curves and picture.curves.curves %}
<ul class="legend">{% for curve in picture.curves.curves %}<li>{{ swatch(loop.index0) }} <code>{{ w.own(curve.labels, alert.labels) }}</code></li>{% endfor %}
{% if picture.curves.more %}<li class="faint">and {{ picture.curves.more }} more series</li>{% endif %}</ul>
<p class="faint">Fires where the value is {{ picture.curves.comparison.operator }} {{ w.number(picture.curves.comparison.threshold) }} (dashed); a point every {{ lasted(picture.curves.step) }}, between which peaks may be hidden.</p>
{% endif %}
{% if alert.summary.sets %}
<details><summary>{{ w.plural(alert.summary.sets|length, "label set") }}, {{ w.plural(alert.summary.tally.firings, "firing") }}{% if alert.summary.tally.firing_now %}, {{ alert.summary.tally.firing_now }} still firing{% endif %}</summary>
<div class="wide"><table><tr><th>label set</th><th class="n">firings</th><th class="n">flaps</th><th class="n">firing</th><th class="n">longest</th></tr>
{% for one in alert.summary.sets[:most_sets] %}
<tr><td><code>{{ w.own(one.labels, alert.labels) }}</code></td><td class="n">{{ one.tally.firings }}</td><td class="n">{{ one.tally.flaps }}</td><td class="n">{{ lasted(one.tally.firing) }}</td><td class="n">{{ lasted(one.tally.longest) }}</td></tr>
{% endfor %}</table></div>
{% if alert.summary.sets|length > most_sets %}<p class="faint">and {{ alert.summary.sets|length - most_sets }} more</p>{% endif %}
<div class="wide"><table><tr><th>fired from</th><th>to</th><th class="n">lasted</th><th>label set</th></tr>
{% for firing in picture.firings[:most_firings] %}
<tr><td>{{ minute(firing.start) }}{% if firing.began_before %} or before{% endif %}</td><td>{{ minute(firing.end) if firing.end else "fires still" }}</td><td class="n">{{ length(firing) }}</td><td><code>{{ w.own(firing.labels, alert.labels) }}</code></td></tr>
{% endfor %}</table></div>
{% if picture.firings|length > most_firings %}<p class="faint">and {{ picture.firings|length - most_firings }} more</p>{% endif %}
</details>
{% endif %}
{% endfor %}
</body></html>
"""  # noqa: E501 - a page's lines
