"""billing-1, as mysqld_exporter (0.14 and newer) tells of it."""

from __future__ import annotations

import numpy as np

from demo.shop.series import Made, counter, gauge, untyped
from demo.shop.services import PAYMENTS
from demo.shop.simulation import Stretch

STARTED = 1_784_000_000.0
STATUS = "Generic metric from SHOW GLOBAL STATUS."


def moving(stretch: Stretch) -> Made:
    """Connections and queries: what payments ask for."""
    asked = stretch.requests_per_second(PAYMENTS)
    queries = stretch.poisson(9 * asked + 2)
    read = stretch.poisson(60 * asked + 20)
    threads = stretch.rng.poisson(8 + 2 * stretch.busy).astype(float)
    for name, values in (
        ("queries", queries),
        ("slow_queries", stretch.poisson(4e-4)),
        ("aborted_connects", stretch.poisson(2e-4)),
        ("innodb_buffer_pool_read_requests", read),
        ("innodb_buffer_pool_reads", stretch.rng.binomial(read.astype(int), 0.002).astype(float)),
        ("innodb_log_waits", 0.0),
    ):
        yield untyped(f"mysql_global_status_{name}", STATUS, adds=True)(), values
    for name, values in (
        ("threads_connected", threads),
        ("threads_running", 2 + stretch.rng.poisson(0.3 * stretch.busy).astype(float)),
        ("innodb_row_lock_current_waits", 0.0),
        ("uptime", np.round(stretch.times - STARTED)),
    ):
        yield untyped(f"mysql_global_status_{name}", STATUS, adds=False)(), values
    errors = counter("mysql_global_status_connection_errors_total", "Total number of MySQL connection errors.")
    for error in ("internal", "max_connections"):
        yield errors(error=error), 0


def still(stretch: Stretch) -> Made:
    """Limits and states."""
    yield gauge("mysql_up", "Whether the MySQL server is up.")(), 1
    variable = "Generic gauge metric from SHOW GLOBAL VARIABLES."
    yield gauge("mysql_global_variables_max_connections", variable)(), 151
    yield gauge("mysql_global_variables_innodb_buffer_pool_size", variable)(), 2.0**31
    ok = gauge("mysql_exporter_collector_success", "mysqld_exporter: Whether a collector succeeded.")
    for collector in ("collect.global_status", "collect.global_variables"):
        yield ok(collector=collector), 1
