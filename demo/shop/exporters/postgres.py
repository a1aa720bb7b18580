"""database-1, as postgres_exporter (0.13 and newer) tells of it."""

from __future__ import annotations

import numpy as np

from demo.shop.rhythm import DAY_SECONDS, Floats
from demo.shop.series import Made, counter, gauge
from demo.shop.simulation import Stretch

MOST_CONNECTIONS, RESERVED = 100.0, 3.0
DATABASE = {"datid": "16384", "datname": "listen"}
HITS_SHARE = 0.995


def connections(stretch: Stretch) -> dict[str, Floats]:
    """Connections by state; in the cascade all that there may be, and most of them wait in a transaction."""
    full = stretch.wrong("cascading-failure")
    active = stretch.rng.poisson(4 * stretch.busy).astype(float)
    idle = np.round(stretch.noisy(14 + 4 * stretch.busy, 0.06))
    left = np.maximum(MOST_CONNECTIONS - RESERVED - active - idle - 1, 0)
    stuck = np.round(left * full)
    return {
        "active": active + np.round(0.3 * stuck),
        "idle": idle,
        "idle in transaction": 1 + stuck - np.round(0.3 * stuck),
    }


def moving(stretch: Stretch) -> Made:
    """Connections, transactions, blocks."""
    full = stretch.wrong("cascading-failure")
    count = gauge("pg_stat_activity_count", "number of connections in this state")
    oldest = gauge(
        "pg_stat_activity_max_tx_duration", "max duration in seconds any active transaction has been running"
    )
    backends = np.zeros_like(stretch.times)
    for state, values in connections(stretch).items():
        yield count(datname="listen", state=state), values
        backends = backends + values
        yield oldest(datname="listen", state=state), _oldest_seconds(state, stretch)
    open_ = gauge("pg_stat_database_numbackends", "Number of backends currently connected to this database.")
    yield open_(**DATABASE), backends
    done = 70 * stretch.busy * (1 - 0.7 * stretch.cascade)
    blocks = stretch.poisson(done * 20)
    missed: Floats = stretch.rng.binomial(blocks.astype(int), 1 - HITS_SHARE).astype(float)
    for name, about, counted in (
        ("xact_commit", "Number of transactions that have been committed", stretch.poisson(done)),
        (
            "xact_rollback",
            "Number of transactions that have been rolled back",
            stretch.poisson(0.002 * done + 6 * full),
        ),
        ("blks_hit", "Number of times disk blocks were found already in the buffer cache", blocks - missed),
        ("blks_read", "Number of disk blocks read", missed),
        ("tup_inserted", "Number of rows inserted by queries", stretch.poisson(done * 0.3)),
        ("deadlocks", "Number of deadlocks detected", 0.0),
    ):
        yield counter(f"pg_stat_database_{name}", about)(**DATABASE), counted
    yield from _upkeep(stretch)


def _oldest_seconds(state: str, stretch: Stretch) -> Floats:
    """How old the oldest transaction is: the oldest query's age, next to nothing between two, a minute if stuck."""
    usual = {"active": 0.4, "idle in transaction": 0.1}.get(state, 0.0)
    stuck = 60 * stretch.wrong("cascading-failure") if state == "idle in transaction" else 0.0
    age: Floats = np.round(stretch.rng.exponential(usual, stretch.times.shape) + stuck, 3)
    return age


def _upkeep(stretch: Stretch) -> Made:
    five_minutes = np.floor(stretch.times / 300) - np.floor((stretch.times - stretch.seconds) / 300)
    timed = counter("pg_stat_bgwriter_checkpoints_timed_total", "Number of scheduled checkpoints that were performed")
    asked = counter("pg_stat_bgwriter_checkpoints_req_total", "Number of requested checkpoints that were performed")
    yield timed(), five_minutes
    yield asked(), 0
    table = {"datname": "listen", "schemaname": "public", "relname": "plays"}
    hours = stretch.times % (6 * 3600) / (6 * 3600)  # autovacuum comes by every six hours
    yield gauge("pg_stat_user_tables_n_live_tup", "Estimated number of live rows")(**table), 8_000_000
    yield gauge("pg_stat_user_tables_n_dead_tup", "Estimated number of dead rows")(**table), np.round(420_000 * hours)
    size = gauge("pg_database_size_bytes", "Disk space used by the database")
    yield size(datname="listen"), np.round(42e9 + 3e8 * np.sin(stretch.times / DAY_SECONDS))
    archived = counter("pg_stat_archiver_archived_count", "Number of WAL files that have been successfully archived")
    yield archived(), five_minutes
    failed = counter("pg_stat_archiver_failed_count", "Number of failed attempts for archiving WAL files")
    yield failed(), 0
    behind = gauge("pg_replication_slots_pg_wal_lsn_diff", "Replication lag in bytes")
    yield behind(slot_name="standby"), np.round(stretch.rng.exponential(40_000, stretch.times.shape))


def still(stretch: Stretch) -> Made:
    """What stays as it is."""
    yield gauge("pg_up", "Whether the last scrape of metrics from PostgreSQL was able to connect to the server.")(), 1
    most = gauge("pg_settings_max_connections", "Sets the maximum number of concurrent connections.")
    yield most(server="localhost:5432"), MOST_CONNECTIONS
    reserved = gauge("pg_settings_superuser_reserved_connections", "Sets the number of connection slots reserved.")
    yield reserved(server="localhost:5432"), RESERVED
    yield gauge("pg_exporter_last_scrape_error", "Whether the last scrape of metrics resulted in an error.")(), 0
    for collector in ("database", "replication_slot", "stat_bgwriter", "stat_database", "stat_user_tables"):
        ok = gauge("pg_scrape_collector_success", "postgres_exporter: Whether a collector succeeded.")
        yield ok(collector=collector), 1
    yield gauge("pg_replication_is_replica", "Indicates if the server is a replica")(), 0
    yield gauge("pg_replication_lag_seconds", "Replication lag behind master in seconds")(), 0
    active = gauge("pg_replication_slot_slot_is_active", "whether the replication slot is active or not")
    yield active(slot_name="standby"), 1
    age = gauge("pg_database_wraparound_age_datfrozenxid_seconds", "Age of the oldest transaction ID not frozen.")
    yield age(datname="listen"), 48_000_000
