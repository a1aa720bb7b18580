"""cache-1, as redis_exporter (1.x) tells of it."""

from __future__ import annotations

import numpy as np

from demo.shop.series import Made, counter, gauge
from demo.shop.simulation import Stretch

GIB = 2.0**30
MISSES_SHARE = 0.1


def moving(stretch: Stretch) -> Made:
    """Keys asked for, memory, clients."""
    asked = stretch.poisson(290 * stretch.busy * (1 + 1.5 * stretch.flood))
    missed = stretch.rng.binomial(asked.astype(int), MISSES_SHARE + 0.35 * stretch.cascade).astype(float)
    yield counter("redis_keyspace_hits_total", "keyspace_hits_total metric")(), asked - missed
    yield counter("redis_keyspace_misses_total", "keyspace_misses_total metric")(), missed
    set_ = np.round(0.9 * missed)
    yield counter("redis_commands_processed_total", "commands_processed_total metric")(), asked + set_
    for cmd, count, each in (("get", asked, 9e-6), ("set", set_, 1.3e-5)):
        yield counter("redis_commands_total", "Total number of calls per command")(cmd=cmd), count
        took = counter("redis_commands_duration_seconds_total", "Total amount of time in seconds spent per command")
        yield took(cmd=cmd), np.round(stretch.noisy(count * each, 0.04), 6)
    used = stretch.noisy(2.2 * GIB * (0.97 + 0.03 * stretch.busy), 0.002)
    yield gauge("redis_memory_used_bytes", "memory_used_bytes metric")(), np.round(used)
    yield gauge("redis_memory_used_rss_bytes", "memory_used_rss_bytes metric")(), np.round(used * 1.12)
    yield gauge("redis_mem_fragmentation_ratio", "mem_fragmentation_ratio metric")(), 1.12
    clients = stretch.rng.poisson(14 + 6 * stretch.busy).astype(float)
    yield gauge("redis_connected_clients", "connected_clients metric")(), clients
    yield counter("redis_expired_keys_total", "expired_keys_total metric")(), stretch.poisson(6 * stretch.busy)
    yield counter("redis_evicted_keys_total", "evicted_keys_total metric")(), 0
    yield counter("redis_rejected_connections_total", "rejected_connections_total metric")(), 0
    saved = np.floor(stretch.times / 900) * 900  # every quarter of an hour
    yield gauge("redis_rdb_last_save_timestamp_seconds", "rdb_last_save_timestamp_seconds metric")(), saved
    changes = gauge("redis_rdb_changes_since_last_save", "rdb_changes_since_last_save metric")
    yield changes(), np.round((stretch.times - saved) * 26)


def still(stretch: Stretch) -> Made:
    """Limits and states."""
    yield gauge("redis_up", "Information about the Redis instance")(), 1
    yield gauge("redis_memory_max_bytes", "memory_max_bytes metric")(), 4 * GIB
    yield gauge("redis_config_maxclients", "config_maxclients metric")(), 10_000
    yield gauge("redis_connected_slaves", "connected_slaves metric")(), 1
    yield gauge("redis_blocked_clients", "blocked_clients metric")(), 0
    yield gauge("redis_rdb_last_bgsave_status", "rdb_last_bgsave_status metric")(), 1
    yield gauge("redis_aof_enabled", "aof_enabled metric")(), 0
    yield (
        gauge("redis_instance_info", "Information about the Redis instance")(
            role="master", redis_version="7.2.5", redis_mode="standalone", maxmemory_policy="noeviction"
        ),
        1,
    )
