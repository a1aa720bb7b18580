"""The packs' promise, measured: false alerts in two normal weeks, and how soon each fault is told of.

Over time-compressed history, without waiting: blocks by promtool, a real Prometheus over them, what rules record
back-filled, alerts judged by `tocsin rules backtest`, scores by `tocsin exporter backfill`.
"""
