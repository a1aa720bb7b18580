"""Colours and letters of the pictures, light and dark."""

from __future__ import annotations

FONT = 12
LETTER = 7.3  # the width of a letter of a monospaced font of that size, rounded up

STYLE = """
  text { font: 12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #0f172a }
  .title { font-weight: bold; font-size: 14px } .more { fill: #475569; font-size: 11px }
  .edge { fill: #475569; font-size: 11px; text-anchor: middle }
  rect { stroke-width: 1.2 } .paper { fill: #ffffff }
  path { fill: none; stroke: #94a3b8; stroke-width: 1.2 } path.back { stroke: #b45309; stroke-dasharray: 5 3 }
  path.tip { fill: #64748b; stroke: none }
  .plain { fill: #eef2f7; stroke: #64748b } .noise { fill: #ffffff; stroke: #94a3b8; stroke-dasharray: 4 3 }
  .cause { fill: #ffe4e2; stroke: #c2322a; stroke-width: 2.4 } .consequence { fill: #fff3d6; stroke: #b7791f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e2e8f0 } .more, .edge { fill: #a8b5c7 } .paper { fill: #0f172a }
    path { stroke: #64748b } path.back { stroke: #f59e0b } path.tip { fill: #94a3b8 }
    .plain { fill: #1e293b; stroke: #7c8da5 } .noise { fill: #0f172a; stroke: #64748b }
    .cause { fill: #4c1d1a; stroke: #f0736a } .consequence { fill: #42300d; stroke: #dba53a }
  }
"""
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path class="tip" d="M0,0 8,4 0,8z"/></marker></defs>'
)
