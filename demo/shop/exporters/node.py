"""Machines, as node_exporter (1.3 and newer) tells of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.shop.rhythm import DAY_SECONDS, Floats
from demo.shop.series import Made, Series, counter, gauge, untyped
from demo.shop.simulation import Stretch

GIB = 2.0**30
CPUS = ("0", "1")
BOOTED = 1_780_000_000.0  # long before any two weeks that are made up
ROOT, VAR = ("/dev/sda1", "/"), ("/dev/sdb1", "/var")
SIZE = {ROOT: 40 * GIB, VAR: 200 * GIB}
FILES = {ROOT: 2_621_440.0, VAR: 13_107_200.0}


@dataclass(frozen=True, slots=True)
class Node:
    """One machine, and what on it follows how busy the shop is."""

    name: str
    cpu: float  # share in use when the shop is as busy as on average
    memory: float  # share in use
    var: float  # share of /var in use after the logs' rotation
    bytes_per_second: float  # over its network

    @property
    def number(self) -> int:
        return int(self.name.rpartition("-")[2])


NODES = (
    Node("node-1", cpu=0.22, memory=0.48, var=0.38, bytes_per_second=9e6),
    Node("node-2", cpu=0.30, memory=0.55, var=0.44, bytes_per_second=30e6),
    Node("node-3", cpu=0.18, memory=0.60, var=0.41, bytes_per_second=5e6),
)


def cpu_use(node: Node, stretch: Stretch) -> Floats:
    """The share of its CPUs that works: the gateway is on node-1."""
    flood = 0.5 * stretch.flood if node.number == 1 else 0.0
    use: Floats = np.clip(stretch.noisy(node.cpu * (0.35 + 0.65 * stretch.busy), 0.03) + flood, 0.01, 0.97)
    return use


def var_use(node: Node, stretch: Stretch) -> Floats:
    """The share of /var in use: logs of a day, which are rotated at night."""
    day = (stretch.times / DAY_SECONDS - 0.1 * node.number) % 1
    kept = node.var + 0.04 * np.where(day < 0.99, day / 0.99, (1 - day) / 0.01)
    filling = stretch.wrong("disk-filling") if node.number == 2 else 0.0
    use: Floats = kept + (0.9995 - kept) * filling
    return use


def moving(node: Node, stretch: Stretch) -> Made:
    """What is another from minute to minute."""
    yield from _cpu(node, stretch)
    yield from _memory(node, stretch)
    yield from _filesystems(node, stretch)
    yield from _disk(node, stretch)
    yield from _network(node, stretch)
    yield from _kernel(node, stretch)


def _cpu(node: Node, stretch: Stretch) -> Made:
    seconds = counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.")
    use = cpu_use(node, stretch)
    for cpu in CPUS:
        shares = {"user": 0.72 * use, "system": 0.22 * use, "iowait": 0.05 * use}
        spent = {mode: np.round(stretch.noisy(share, 0.02) * stretch.seconds, 3) for mode, share in shares.items()}
        for mode, values in spent.items():
            yield seconds(cpu=cpu, mode=mode), values
        yield seconds(cpu=cpu, mode="idle"), np.maximum(stretch.seconds - sum(spent.values()), 0)
    yield gauge("node_load5", "5m load average.")(), np.round(len(CPUS) * use * (1 + 0.3 * use), 2)


def _memory(node: Node, stretch: Stretch) -> Made:
    used = np.clip(stretch.noisy(node.memory * (0.92 + 0.08 * stretch.busy), 0.004), 0, 0.97)
    left = np.round(8 * GIB * (1 - used))
    yield gauge("node_memory_MemAvailable_bytes", "Memory information field MemAvailable_bytes.")(), left


def _filesystems(node: Node, stretch: Stretch) -> Made:
    available = gauge("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes.")
    files = gauge("node_filesystem_files_free", "Filesystem total free file nodes.")
    for place, use in ((ROOT, 0.31 + 0 * stretch.times), (VAR, var_use(node, stretch))):
        labels = _labels(place)
        left = np.round(SIZE[place] * (1 - use) / 4096) * 4096
        yield available(**labels), left
        yield files(**labels), np.round(FILES[place] * (1 - 0.2 * use))


def _disk(node: Node, stretch: Stretch) -> Made:
    work = stretch.noisy(0.4 + 0.6 * stretch.busy, 0.05) * stretch.seconds
    if node.number == 2:
        work = work * (1 + 1.5 * (stretch.wrong("disk-filling") > 0))
    for name, about, per_second in (
        ("reads_completed_total", "The total number of reads completed successfully.", 12),
        ("writes_completed_total", "The total number of writes completed successfully.", 60),
        ("read_time_seconds_total", "The total number of seconds spent by all reads.", 12 * 0.0011),
        ("write_time_seconds_total", "This is the total number of seconds spent by all writes.", 60 * 0.0016),
        ("io_time_seconds_total", "Total seconds spent doing I/Os.", 0.06),
        ("io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os.", 0.11),
    ):
        yield counter(f"node_disk_{name}", about)(device="sdb"), np.round(work * per_second, 4)


def _network(node: Node, stretch: Stretch) -> Made:
    flood = 1 + 5 * stretch.flood if node.number == 1 else 1
    moved = stretch.noisy(stretch.busy, 0.03) * stretch.seconds * node.bytes_per_second * flood
    for way, share in (("receive", 0.3), ("transmit", 1.0)):
        bytes_ = counter(f"node_network_{way}_bytes_total", f"Network device statistic {way}_bytes.")
        yield bytes_(device="eth0"), np.round(moved * share)
        packets = counter(f"node_network_{way}_packets_total", f"Network device statistic {way}_packets.")
        yield packets(device="eth0"), np.round(moved * share / 900)
    tracked = gauge("node_nf_conntrack_entries", "Number of currently allocated flow entries for connection tracking.")
    yield tracked(), np.round(stretch.noisy(9_000 * stretch.busy, 0.03) * flood)


def _kernel(node: Node, stretch: Stretch) -> Made:
    use = cpu_use(node, stretch)
    for what, share in (("cpu_waiting", 0.08 * use**2), ("memory_waiting", 0.0005), ("memory_stalled", 0.0003)):
        yield _pressure(what), np.round(stretch.noisy(share, 0.1) * stretch.seconds, 5)
    yield _pressure("io_waiting"), np.round(stretch.noisy(0.012 * stretch.busy, 0.1) * stretch.seconds, 5)
    yield (
        gauge("node_timex_offset_seconds", "Time offset in between local system and reference clock.")(),
        np.round(0.0004 * stretch.rng.standard_normal(stretch.times.shape), 6),
    )
    files = gauge("node_filefd_allocated", "File descriptor statistics: allocated.")
    yield files(), np.round(stretch.noisy(3_200 * (0.8 + 0.2 * stretch.busy), 0.01))


def _pressure(what: str) -> Series:
    return counter(f"node_pressure_{what}_seconds_total", f"Total time in seconds that processes were {what}.")()


def still(node: Node, stretch: Stretch) -> Made:
    """What stays as it is as long as nothing is wrong."""
    yield gauge("node_memory_MemTotal_bytes", "Memory information field MemTotal_bytes.")(), 8 * GIB
    for name in ("SwapTotal", "SwapFree"):
        yield gauge(f"node_memory_{name}_bytes", f"Memory information field {name}_bytes.")(), 2 * GIB
    for place in (ROOT, VAR):
        labels = _labels(place)
        yield gauge("node_filesystem_size_bytes", "Filesystem size in bytes.")(**labels), SIZE[place]
        yield gauge("node_filesystem_files", "Filesystem total file nodes.")(**labels), FILES[place]
        yield gauge("node_filesystem_readonly", "Filesystem read-only status.")(**labels), 0
    yield gauge("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.")(device="eth0"), 1
    yield gauge("node_network_speed_bytes", "Speed of a network device.")(device="eth0"), 1.25e9
    limit = gauge("node_nf_conntrack_entries_limit", "Maximum size of connection tracking table.")
    yield limit(), 262_144
    yield gauge("node_filefd_maximum", "File descriptor statistics: maximum.")(), 800_000
    yield gauge("node_timex_sync_status", "Is clock synchronized to a reliable server (1 = yes, 0 = no).")(), 1
    yield gauge("node_timex_maxerror_seconds", "Maximum error in seconds.")(), 0.012
    yield gauge("node_boot_time_seconds", "Node boot time, in unixtime.")(), BOOTED + 60 * node.number
    for field in ("oom_kill", "pswpin", "pswpout"):
        yield untyped(f"node_vmstat_{field}", f"/proc/vmstat information field {field}.", adds=True)(), 0
    for what in ("receive_errs", "receive_drop", "transmit_errs", "transmit_drop"):
        yield counter(f"node_network_{what}_total", f"Network device statistic {what}.")(device="eth0"), 0
    for collector in ("cpu", "diskstats", "filesystem", "meminfo", "netdev"):
        ok = gauge("node_scrape_collector_success", "node_exporter: Whether a collector succeeded.")
        yield ok(collector=collector), 1
    unit = gauge("node_systemd_unit_state", "Systemd unit")
    for state in ("active", "activating", "deactivating", "failed", "inactive"):
        yield unit(name="kubelet.service", state=state, type="notify"), float(state == "active")


def _labels(place: tuple[str, str]) -> dict[str, str]:
    device, mountpoint = place
    return {"device": device, "fstype": "ext4", "mountpoint": mountpoint}
