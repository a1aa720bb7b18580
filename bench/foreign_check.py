"""How long `tocsin rules check` takes on rule files of other people, beside `promtool check rules` on the same files.

    python -m bench.foreign_check [--promtool .tools/bin/promtool] [--rules 4000] [--format text]

The files are as public collections write them: groups of kube-prometheus's size, expressions over several lines,
runbooks and descriptions with templates, recording rules between. Both are run as people run them, start-up included;
the best of three each. Ratios, not seconds, are comparable between machines.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RULES_A_FILE = 50
RULES_A_GROUP = 10
ROUNDS = 3

RULES = (
    """  - alert: FilesystemAlmostFull{n}
    annotations:
      description: Filesystem on {{{{ $labels.device }}}}, mounted on {{{{ $labels.mountpoint }}}}, at {{{{
        $labels.instance }}}} has only {{{{ printf "%.2f" $value }}}}% available space left.
      runbook_url: https://runbooks.example.org/node/filesystemalmostfull{n}
      summary: Filesystem has less than {t}% space left.
    expr: |
      (
        node_filesystem_avail_bytes{{job="node-{n}",fstype!="",mountpoint!=""}}
          / node_filesystem_size_bytes{{job="node-{n}",fstype!="",mountpoint!=""}} * 100 < {t}
      and
        node_filesystem_readonly{{job="node-{n}",fstype!="",mountpoint!=""}} == 0
      )
    for: 30m
    labels:
      severity: warning
""",
    """  - alert: DeploymentReplicasMismatch{n}
    annotations:
      description: "Deployment {{{{ $labels.namespace }}}}/{{{{ $labels.deployment }}}} lacks replicas"
      runbook_url: "https://runbooks.example.org/kubernetes/deploymentreplicasmismatch{n}"
      summary: "Deployment has not matched the expected number of replicas."
    expr: |
      (
        kube_deployment_spec_replicas{{job="ksm-{n}"}}
          >
        kube_deployment_status_replicas_available{{job="ksm-{n}"}}
      ) and (
        changes(kube_deployment_status_replicas_updated{{job="ksm-{n}"}}[10m]) == 0
      )
    for: "15m"
    labels:
      severity: "warning"
""",
    """  - record: namespace:container_cpu_usage_{n}:sum_rate5m
    expr: |
      sum by (namespace) (
        sum by (namespace, pod) (
          max by (namespace, pod, container) (
            rate(container_cpu_usage_seconds_total{{job="kubelet-{n}", image!=""}}[5m])
          ) * on (namespace, pod) group_left () topk by (namespace, pod) (
            1, max by (namespace, pod, node) (kube_pod_info{{job="ksm-{n}", node!=""}})
          )
        )
      )
""",
    """  - alert: ErrorBudgetBurn{n}
    annotations:
      message: 'The API {{{{ $labels.job }}}} burns its budget: {{{{ $value | humanizePercentage }}}} of requests fail.'
    expr: >-
      sum by (job) (rate(http_requests_total{{job="api-{n}",code=~"5.."}}[1h]))
      / sum by (job) (rate(http_requests_total{{job="api-{n}"}}[1h])) > (14.4 * 0.001)
      and
      sum by (job) (rate(http_requests_total{{job="api-{n}",code=~"5.."}}[5m]))
      / sum by (job) (rate(http_requests_total{{job="api-{n}"}}[5m])) > (14.4 * 0.001)
    for: 2m
    labels: {{severity: critical, long: 1h, short: 5m}}
""",
    """  - alert: RequestLatency{n}
    expr: histogram_quantile(0.99, sum by (le, job) (rate(http_duration_seconds_bucket{{job="api-{n}"}}[10m]))) > {t}
    for: 10m
    labels:
      severity: page
    annotations:
      summary: "High request latency (instance {{{{ $labels.job }}}})"
      description: "The 99th percentile is high\\n  VALUE = {{{{ $value }}}}\\n  LABELS = {{{{ $labels }}}}"
""",
    """  - alert: TargetDown{n}
    expr: 100 * (count(up{{shard="{n}"}} == 0) by (job, namespace) / count(up{{shard="{n}"}}) by (job, namespace)) > {t}
    for: 10m
    labels:
      severity: warning
    annotations:
      summary: Targets of {{{{ $labels.job }}}} in {{{{ $labels.namespace }}}} are down
      description: '{{{{ printf "%.4g" $value }}}}% of the targets are down.'
""",
)


def main() -> None:
    """Prints one line."""
    arguments = argparse.ArgumentParser(description="Checking foreign rules beside promtool.")
    arguments.add_argument("--promtool", type=Path, default=ROOT / ".tools/bin/promtool")
    arguments.add_argument("--rules", type=int, nargs="+", default=[4_000])
    arguments.add_argument("--format", default="text")
    chosen = arguments.parse_args()
    print(f"{'check of foreign rules':>22} {'tocsin':>9} {'promtool':>9} {'tocsin/promtool':>16}")
    for rules in chosen.rules:
        with tempfile.TemporaryDirectory() as folder:
            files = write_rules(rules, Path(folder))
            run = "from generator.commands import rules; rules()"
            ours = [sys.executable, "-c", run, "check", folder, "--format", chosen.format]
            check = min(_seconds(ours) for _ in range(ROUNDS))
            promtool = min(_seconds([str(chosen.promtool), "check", "rules", *files]) for _ in range(ROUNDS))
            print(f"{rules:>22,} {check:>8.2f}s {promtool:>8.2f}s {check / promtool:>16.2f}")


def write_rules(rules: int, folder: Path) -> list[str]:
    """Files of that many rules altogether, no expression twice; their names."""
    files: list[str] = []
    for first in range(0, rules, RULES_A_FILE):
        lines: list[str] = ["groups:\n"]
        for number in range(first, min(first + RULES_A_FILE, rules)):
            if number % RULES_A_GROUP == 0:
                lines.append(f"- name: group-{number // RULES_A_GROUP}\n  interval: 1m\n  rules:\n")
            lines.append(RULES[number % len(RULES)].format(n=number, t=number % 40 + 1))
        file = folder / f"rules-{first // RULES_A_FILE}.yaml"
        file.write_text("".join(lines), encoding="utf-8")
        files.append(str(file))
    return files


def _seconds(command: Sequence[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
