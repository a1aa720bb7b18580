"""Who tries to get in, what is refused, what runs that should not, and how old keys and certificates are.

The metrics are those that the pack `security` reads by default, and those of falcosidekick, fail2ban, cert-manager,
blackbox_exporter and Vault.
"""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source.board import Section, board
from grafana.source.links import label, to
from grafana.source.look import Colour
from grafana.source.panels import LOWER, UPPER, Ask, Panel, band, dashed, foreseen, limit, lines, number
from grafana.source.promql import PLACES, RANGE, SERVICES, WINDOW, happened, of, or_zero, share
from grafana.source.tables import Column, bars, rows
from grafana.source.variables import SCOPE

DAY = 86_400
FALCO = "falcosecurity_falcosidekick_falco_events_total"
GRAVE = "Emergency|Alert|Critical|Error"
REFUSED = 'code=~"401|403"'
ANY_BAD = ((None, Colour.GOOD), (0.5, Colour.BAD))
GUESSING = ((None, Colour.GOOD), (0.3, Colour.WATCH), (0.6, Colour.BAD))
ENDS = ((None, Colour.BAD), (7 * DAY, Colour.WATCH), (20 * DAY, Colour.GOOD))
OLD = ((None, Colour.GOOD), (60 * DAY, Colour.WATCH), (90 * DAY, Colour.BAD))
MANY = ((None, Colour.QUIET), (10, Colour.WATCH), (1000, Colour.BAD))
NOW, FORESEEN = "now", "foreseen 1h before"
ONE = [to("services", "This service", service=label("service"))]


def dashboard() -> Dashboard:
    """`dashboards/security.json`."""
    return board(
        "security",
        "Security",
        "Who tries to get in and how it goes, what is refused or blocked, what runs that should not, and what is about "
        "to run out: certificates and secrets.",
        [
            Section("Now", _now()),
            Section("Logins", _logins()),
            Section("Requests", _requests()),
            Section("At run time", _runtime()),
            Section("Certificates and secrets", _keys()),
        ],
        choices=SCOPE,
    )


def _at(metric: str, *matchers: str) -> str:
    return of(metric, *matchers, within=PLACES)


def _logged(result: str, window: str = WINDOW) -> str:
    logins = _at("auth_logins_total", f'result="{result}"')
    return f"sum(rate({logins}{window}))"


def _wrong(window: str) -> str:
    return share(_logged("failure", window), f"sum(rate({_at('auth_logins_total')}{window}))")


def _now() -> list[Panel]:
    return [
        number(
            "Failed logins", "Share of attempts to log in that failed, in the last five minutes. Normal: below 30 %: "
            "people mistype. Far above: somebody guesses passwords.",
            Ask(_wrong("[5m]"), "of attempts"), unit="percentunit", width=4, steps=GUESSING, decimals=0,
        ),
        number(
            "Accounts locked", "Accounts that were locked after too many attempts, in the time shown. Normal: a few a "
            "day. Many: an attack, which also keeps their owners out.",
            Ask(or_zero(f"sum(increase({_at('auth_lockouts_total')}{RANGE}))"), "accounts"),
            unit="short", width=4, steps=((None, Colour.GOOD), (10, Colour.WATCH), (50, Colour.BAD)), decimals=0,
        ),
        number(
            "Blocked by the firewall", "Share of requests that the web application firewall blocked, in the last five "
            "minutes. Normal: below 1 %.",
            Ask(share(f"sum(rate({_at('waf_requests_blocked_total')}[5m]))",
                      f"sum(rate({_at('waf_requests_total')}[5m]))"), "of requests"),
            unit="percentunit", width=4, steps=((None, Colour.GOOD), (0.01, Colour.WATCH), (0.05, Colour.BAD)),
            decimals=2,
        ),
        number(
            "Grave events at run time", "Falco's events of priority error and above, in the time shown. Normal: 0. "
            "Each is to be looked at: the table below names the rule and the pod.",
            Ask(or_zero(happened(_at(FALCO, f'priority=~"{GRAVE}"'))), "events"),
            unit="short", width=4, steps=ANY_BAD, decimals=0,
        ),
        number(
            "Next certificate ends in", "How long the certificate lasts that ends first, in the cluster or as seen "
            "from outside. Normal: above 20 days. Below: its renewal fails, see below which it is.",
            Ask(f"min({_ends()})", "left"), unit="s", width=4, steps=ENDS, decimals=0,
        ),
        number(
            "Oldest secret", "How long ago the oldest secret was replaced. Normal: below 60 days, or what you have "
            "agreed on.",
            Ask(f"max(time() - {_at('secret_last_rotated_timestamp_seconds')})", "old"),
            unit="s", width=4, steps=OLD, decimals=0,
        ),
    ]  # fmt: skip


def _ends() -> str:
    inside = _at("certmanager_certificate_expiration_timestamp_seconds")
    return f"({inside} or {_at('probe_ssl_earliest_cert_expiry')}) - time()"


def _logins() -> list[Panel]:
    return [
        lines(
            "Logins by result", "Attempts to log in, a second. Normal: failures are a small part, and follow the day "
            "as successes do. Failures alone rise: somebody tries; both rise: a release that logs all out.",
            Ask(f"sum by (result) (rate({_at('auth_logins_total')}{WINDOW}))", "{{result}}"),
            unit="cps", width=8, stacked=True, colours={"success": Colour.GOOD, "failure": Colour.BAD},
        ),
        _beside(
            "Failed logins beside what is usual", "Failed attempts a second. Normal: within the band, which is what "
            "the exporter expects at this time. Far above it for minutes: brute force; block the addresses, then "
            "look for logins that succeeded. There is no band without `horizons` of the exporter's query "
            "`security_login_failures`.",
            Ask(_logged("failure", "[5m]"), NOW), "security_login_failures", PLACES, "cps",
        ),
        lines(
            "Accounts locked, an hour", "Accounts that were locked, by realm. Normal: near 0. A slope that follows "
            "failed logins: the attacker knows names of accounts.",
            Ask(f"3600 * sum by (realm) (rate({_at('auth_lockouts_total')}[15m]))", "{{realm}}"),
            unit="short", width=8,
        ),
    ]  # fmt: skip


def _requests() -> list[Panel]:
    every = f"sum by (service) (rate({of('http_requests_total')}[5m]))"
    refused = f"sum by (service) (rate({of('http_requests_total', REFUSED)}[5m]))"
    return [
        _beside(
            "Traffic beside its forecast", "Requests a second of all services chosen. Normal: within the band, which "
            "is what the exporter expects at this time. Many times above it: a flood; see the firewall, and limit "
            "rates at the ingress. There is no band without the exporter's query `security_requests`.",
            Ask(f"sum(rate({of('http_requests_total')}[2m]))", NOW), "security_requests", SERVICES, "reqps",
        ),
        dashed(
            lines(
                "Refused: 401 and 403", "Share of requests that were refused for want of a login or a right, by "
                "service. Normal: below 5 %, the dashed line, and flat. A step: expired keys, a wrong release, or "
                "somebody who tries doors.",
                Ask(share(refused, every), "{{service}}"), unit="percentunit", width=8, links=ONE,
            ),
            ((None, Colour.GOOD), (0.05, Colour.WATCH)),
        ),
        lines(
            "Blocked by category", "Requests a second that the web application firewall blocked, by what they tried. "
            "Normal: a trickle, mostly scanners. Much of one kind: an attack on one weakness; is it patched?",
            Ask(f"sum by (category) (rate({_at('waf_requests_blocked_total')}[15m]))", "{{category}}"),
            unit="reqps", width=8, stacked=True,
        ),
        limit(
            lines(
                "How unusual it looks", "Scores of the pack's queries: traffic, failed logins, refused requests. "
                "Normal: below 1, the dashed line. No data: the exporter does not run the pack's queries.",
                Ask(f'max by (query, service, realm) (tocsin_anomaly_score{{{SERVICES}, query=~"security_.*"}})',
                    "{{query}} {{service}} {{realm}}"),
                unit="short", width=12, links=[to("anomalies", "Anomalies", query=label("query"))],
            ),
            ((None, Colour.PLAIN), (1, Colour.BAD)),
        ),
        rows(
            "Who is refused, who is asked most",
            "Each service in the time shown: requests, and how many of them were refused. Normal: refused ones are few "
            "everywhere. Click on one for its own graphs.",
            Column("Refused", share(refused.replace("[5m]", RANGE), every.replace("[5m]", RANGE)), "percentunit",
                   ((None, Colour.GOOD), (0.05, Colour.WATCH), (0.2, Colour.BAD)), decimals=2),
            Column("Refused a second", refused.replace("[5m]", RANGE), "reqps"),
            Column("Requests", every.replace("[5m]", RANGE), "reqps"),
            keys={"service": "Service"}, width=12, worst="Refused", links=ONE,
        ),
    ]  # fmt: skip


def _beside(title: str, description: str, ask: Ask, query: str, within: str, unit: str) -> Panel:
    """A series over what the exporter expects of it; as wide as a third of a line."""

    def said(family: str, horizon: str) -> str:
        return of(family, f'query="{query}"', f'horizon="{horizon}"', within=within)

    def summed(family: str) -> str:
        return f"sum({said(family, '0s')})"

    panel = lines(
        title,
        description,
        Ask(f"clamp_min({summed('tocsin_forecast_lower')}, 0)", LOWER),
        Ask(summed("tocsin_forecast_upper"), UPPER),
        Ask(f"sum({said('tocsin_forecast', '1h')} offset 1h)", FORESEEN),
        ask,
        unit=unit,
        width=8,
        colours={NOW: Colour.PLAIN},
        links=[to("anomalies", "Anomalies", query=query)],
    )
    return foreseen(band(panel), "foreseen .*")


def _runtime() -> list[Panel]:
    by = ("rule", "priority", "k8s_ns_name", "k8s_pod_name")
    return [
        rows(
            "What Falco saw", "Events of Falco in the time shown, by rule, priority and pod. Normal: none, or a few "
            "notices of system pods. A shell in a container that nobody opened: isolate the pod before you delete it.",
            Column("Events", f"{happened(_at(FALCO), *by)} > 0", "short", MANY, decimals=0),
            keys={"rule": "Rule", "priority": "Priority", "k8s_ns_name": "Namespace", "k8s_pod_name": "Pod"},
            width=12, height=7, worst="Events",
        ),
        lines(
            "Addresses banned", "Addresses that fail2ban bans now, by jail. Normal: a few, steady. A jump: somebody "
            "tries from many addresses.",
            Ask(f"sum by (jail) ({_at('f2b_jail_banned_current')})", "{{jail}}"), unit="short", width=8, height=7,
        ),
        number(
            "Sealed vaults", "Servers of Vault that are sealed: nobody gets a secret from them. Normal: 0; it is also "
            "0 where no Vault is scraped.",
            Ask(or_zero(f"sum({_at('vault_core_unsealed')} == bool 0)"), "sealed"),
            unit="short", width=4, height=7, steps=ANY_BAD,
        ),
    ]  # fmt: skip


def _keys() -> list[Panel]:
    ready = _at("certmanager_certificate_ready_status", 'condition="True"')
    ends = _at("certmanager_certificate_expiration_timestamp_seconds")
    renews = _at("certmanager_certificate_renewal_timestamp_seconds")
    return [
        rows(
            "Certificates in the cluster", "Each certificate of cert-manager: how long it lasts, when it is to be "
            "renewed, and whether it is ready. Normal: renewed long before its end, and ready. A renewal that lies in "
            "the past fails: `kubectl describe certificate` says why.",
            Column("Ends in", f"min by (namespace, name) ({ends} - time())", "s", ENDS, decimals=1),
            Column("Renewed in", f"min by (namespace, name) ({renews} - time())", "s",
                   ((None, Colour.BAD), (0, Colour.GOOD)), decimals=1),
            Column("Ready", f"max by (namespace, name) ({ready})", "none",
                   names={1: ("yes", Colour.GOOD), 0: ("no", Colour.BAD)}),
            keys={"namespace": "Namespace", "name": "Certificate"}, width=10, height=6, worst="Ends in", rising=True,
        ),
        bars(
            "Certificates as seen from outside", "How long the certificates last that visitors are shown, the nearest "
            "end first. Normal: above 20 days. Shorter than in the cluster: it was renewed, and nobody reloaded it.",
            Ask(f"sort(min by (instance) ({_at('probe_ssl_earliest_cert_expiry')} - time()))", "{{instance}}"),
            unit="s", width=7, height=6, steps=ENDS,
        ),
        bars(
            "Age of secrets", "How long ago each secret was replaced, the oldest first. Normal: below 60 days. Older: "
            "replace it, and see why the job that does it did not.",
            Ask(f"sort_desc(max by (secret) (time() - {_at('secret_last_rotated_timestamp_seconds')}))", "{{secret}}"),
            unit="s", width=7, height=6, steps=OLD,
        ),
    ]  # fmt: skip
