"""Alertmanager's webhooks -> incidents -> people and actions.

The way of a webhook body: `web/` takes it in, `store/` keeps it before the answer, `loop.py` hands it to the pure
`engine/`, whose decisions `store/` commits at once; `jobs/` does what has become due, through `notify/` and
`remediate/`. It never turns back.
"""
