"""The job queue, as RabbitMQ's own plugin (3.8 and newer) tells of it: /metrics, aggregated."""

from __future__ import annotations

import numpy as np

from demo.shop.series import Made, counter, gauge
from demo.shop.simulation import Stretch

GIB = 2.0**30


def moving(stretch: Stretch) -> Made:
    """Messages: mails, invoices and the like, which workers do at once."""
    published = stretch.poisson(6 * stretch.busy)
    for name, about in (
        ("published", "Total number of messages published into an exchange on a channel"),
        ("acked", "Total number of messages acknowledged by consumers"),
    ):
        yield counter(f"rabbitmq_channel_messages_{name}_total", about)(), published
    ready = stretch.rng.poisson(3 * stretch.busy).astype(float)
    unacked = stretch.rng.poisson(2 * stretch.busy).astype(float)
    yield gauge("rabbitmq_queue_messages", "Sum of ready and unacknowledged messages")(), ready + unacked
    yield gauge("rabbitmq_queue_messages_ready", "Messages ready to be delivered to consumers")(), ready
    yield gauge("rabbitmq_queue_messages_unacked", "Messages delivered but not yet acknowledged")(), unacked
    memory = gauge("rabbitmq_process_resident_memory_bytes", "Memory used in bytes")
    yield memory(), np.round(stretch.noisy(0.34 * GIB, 0.01))
    disk = gauge("rabbitmq_disk_space_available_bytes", "Disk space available in bytes")
    yield disk(), np.round(stretch.noisy(38 * GIB, 0.001))
    yield gauge("rabbitmq_process_open_fds", "Open file descriptors")(), np.round(90 + 8 * stretch.busy)
    opened = stretch.poisson(0.01)
    yield counter("rabbitmq_connections_opened_total", "Total number of connections opened")(), opened
    yield counter("rabbitmq_connections_closed_total", "Total number of connections closed or terminated")(), opened


def still(stretch: Stretch) -> Made:
    """Limits, alarms, and who is there."""
    for name, about, value in (
        ("rabbitmq_connections", "Connections currently open", 12),
        ("rabbitmq_channels", "Channels currently open", 24),
        ("rabbitmq_consumers", "Consumers currently connected", 6),
        ("rabbitmq_queues", "Queues available", 4),
        ("rabbitmq_queue_consumers", "Consumers on a queue", 6),
        ("rabbitmq_resident_memory_limit_bytes", "Memory high watermark in bytes", 1.6 * GIB),
        ("rabbitmq_disk_space_available_limit_bytes", "Free disk space low watermark in bytes", 2 * GIB),
        ("rabbitmq_process_max_fds", "Open file descriptors limit", 65_536),
        ("rabbitmq_alarms_memory_used_watermark", "is 1 if VM memory watermark alarm is in effect", 0),
        ("rabbitmq_alarms_free_disk_space_watermark", "is 1 if free disk space watermark alarm is in effect", 0),
        ("rabbitmq_alarms_file_descriptor_limit", "is 1 if file descriptor limit alarm is in effect", 0),
        ("rabbitmq_unreachable_cluster_peers_count", "Number of peers in the cluster that cannot be reached", 0),
    ):
        yield gauge(name, about)(), float(round(value))
    dropped = counter(
        "rabbitmq_global_messages_unroutable_dropped_total", "Total number of unroutable messages dropped"
    )
    yield dropped(protocol="amqp091"), 0
    identity = gauge("rabbitmq_identity_info", "RabbitMQ node & cluster identity info")
    yield identity(rabbitmq_node="rabbit@queue-1", rabbitmq_cluster="listen"), 1
