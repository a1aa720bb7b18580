"""The brokers, as kafka_exporter (danielqsj, 1.6 and newer) tells of them: everything is a gauge there."""

from __future__ import annotations

import numpy as np

from demo.shop.rhythm import Floats
from demo.shop.series import Family, Made, gauge
from demo.shop.simulation import CASCADE_AFTER_SECONDS, Stretch

TOPICS = {"plays": 22.0, "payments": 2.0}  # messages a second when the shop is as busy as on average
GROUPS = {"plays": "recommendations", "payments": "billing"}
BROKERS, PARTITION = 3, "0"
BEHIND_MESSAGES = 30_000.0  # when the cascade has gone on for a quarter of an hour

# They count, but are exposed as gauges.
_HEAD = Family("kafka_topic_partition_current_offset", "gauge", "Current Offset of a Broker at Topic/Partition")
_READ = Family("kafka_consumergroup_current_offset", "gauge", "Current Offset of a ConsumerGroup at Topic/Partition")


def lag(topic: str, stretch: Stretch) -> Floats:
    """How many messages wait; what reads plays writes to the database, and stops when that does."""
    usual = 0.8 * TOPICS[topic] * stretch.busy
    if topic != "plays":
        return np.round(usual)
    waits = stretch.wrong("cascading-failure", after=CASCADE_AFTER_SECONDS, rise=900)
    return np.round(usual + BEHIND_MESSAGES * waits)


def moving(stretch: Stretch) -> Made:
    """Offsets, and how far consumers are behind."""
    for topic, per_second in TOPICS.items():
        place = {"topic": topic, "partition": PARTITION}
        group = {"consumergroup": GROUPS[topic], **place}
        written = stretch.poisson(per_second * stretch.busy)
        behind = lag(topic, stretch)
        yield _HEAD(**place), written
        yield _READ(**group), np.maximum(written - (behind - lag(topic, stretch.before())), 0)
        about = "Current Approximate Lag of a ConsumerGroup at Topic/Partition"
        yield gauge("kafka_consumergroup_lag", about)(**group), behind
        total = gauge("kafka_consumergroup_lag_sum", "Current Approximate Lag of a ConsumerGroup at Topic.")
        yield total(consumergroup=GROUPS[topic], topic=topic), behind


def still(stretch: Stretch) -> Made:
    """Brokers and partitions."""
    yield gauge("kafka_brokers", "Number of Brokers in the Kafka Cluster")(), BROKERS
    for topic, group in GROUPS.items():
        place = {"topic": topic, "partition": PARTITION}
        for name, about, value in (
            ("replicas", "Number of Replicas for this Topic/Partition", 3),
            ("in_sync_replica", "Number of In-Sync Replicas for this Topic/Partition", 3),
            ("under_replicated_partition", "1 if Topic/Partition is under Replicated", 0),
        ):
            yield gauge(f"kafka_topic_partition_{name}", about)(**place), value
        members = gauge("kafka_consumergroup_members", "Amount of members in a consumer group")
        yield members(consumergroup=group), 2
