"""What our messages in Slack say, by language. Sentences are ours; what comes from outside only fills them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.model import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackWords:
    """One language."""

    severities: Mapping[Severity, str]
    over: str
    open_: str
    step: str
    acknowledged: str
    snoozed: str
    resolved: str
    merged: str
    fires: str
    opened: str
    back: str
    tenant: str
    given: str
    broken: Mapping[str, str]  # by term
    cause: str
    since: str
    affected: str
    no_service: str
    alerts: str
    alert_over: str
    runbook: str
    more: str
    also: str
    told: str
    acknowledge: str
    resolve: str
    snooze: str
    escalate: str
    choices: Mapping[str, str]  # of a snooze
    sure: str
    escalates: str
    resolves: str
    yes: str
    no: str
    look: str
    respond: str
    test: str
    loud: Mapping[str, str]  # why a message is repeated, by message


EN = SlackWords(
    severities={Severity.CRITICAL: "CRITICAL", Severity.WARNING: "WARNING", Severity.INFO: "INFO"},
    over="RESOLVED",
    open_="*Open*, nobody has acknowledged it",
    step="step {step} of {steps}",
    acknowledged="*Acknowledged* by {who}, {at}",
    snoozed="*Snoozed* by {who} until {until}",
    resolved="*Resolved* by {who}, {at}",
    merged="*Part of* `{incident}` now",
    fires="{firing} of {alerts} alerts fire",
    opened="since {at}",
    back="back since {at}",
    tenant="tenant {tenant}",
    given="given to {to}",
    broken={
        "acknowledge": ":warning: *SLA broken:* not acknowledged in time",
        "resolve": ":warning: *SLA broken:* not resolved in time",
    },
    cause="*Likely cause:* {cause}, since {at}",
    since="since {at}",
    affected="*Affected:* {what}",
    no_service="no service",
    alerts="*Worst alerts*",
    alert_over="over",
    runbook="Runbook: {link}",
    more="… and {count} more",
    also="*Also open, in the same message*",
    told="You are told: {reason}",
    acknowledge="Acknowledge",
    resolve="Resolve",
    snooze="Snooze",
    escalate="Escalate",
    choices={"30m": "30 minutes", "2h": "2 hours", "tomorrow": "Until tomorrow 9:00"},
    sure="Sure?",
    escalates="The next step of the policy is told at once.",
    resolves="It is over, whatever its alerts say.",
    yes="Yes",
    no="No",
    look="Open the incident",
    respond="Answer in the browser",
    test="*This is a test*, asked for by {who}. Nothing is wrong.",
    loud={
        "page": "Nobody has acknowledged it.",
        "reopened": "It had resolved and is back.",
        "handover": "It is yours now: your shift has begun.",
        "sla": "Its SLA is about to break, or is broken.",
    },
)

DE = SlackWords(
    severities={Severity.CRITICAL: "KRITISCH", Severity.WARNING: "WARNUNG", Severity.INFO: "INFO"},
    over="BEHOBEN",
    open_="*Offen*, niemand hat bestätigt",
    step="Stufe {step} von {steps}",
    acknowledged="*Bestätigt* von {who}, {at}",
    snoozed="*Zurückgestellt* von {who} bis {until}",
    resolved="*Behoben* durch {who}, {at}",
    merged="Jetzt *Teil von* `{incident}`",
    fires="{firing} von {alerts} Alarmen aktiv",
    opened="seit {at}",
    back="wieder da seit {at}",
    tenant="Mandant {tenant}",
    given="übergeben an {to}",
    broken={
        "acknowledge": ":warning: *SLA verletzt:* nicht rechtzeitig bestätigt",
        "resolve": ":warning: *SLA verletzt:* nicht rechtzeitig behoben",
    },
    cause="*Wahrscheinliche Ursache:* {cause}, seit {at}",
    since="seit {at}",
    affected="*Betroffen:* {what}",
    no_service="ohne Dienst",
    alerts="*Schwerste Alarme*",
    alert_over="vorbei",
    runbook="Anleitung: {link}",
    more="… und {count} weitere",
    also="*Außerdem offen, in derselben Nachricht*",
    told="Warum du es erfährst: {reason}",
    acknowledge="Bestätigen",
    resolve="Beheben",
    snooze="Zurückstellen",
    escalate="Eskalieren",
    choices={"30m": "30 Minuten", "2h": "2 Stunden", "tomorrow": "Bis morgen 9:00"},
    sure="Sicher?",
    escalates="Die nächste Stufe wird sofort benachrichtigt.",
    resolves="Der Vorfall ist vorbei, was auch immer seine Alarme sagen.",
    yes="Ja",
    no="Nein",
    look="Vorfall öffnen",
    respond="Im Browser antworten",
    test="*Dies ist ein Test*, veranlasst von {who}. Nichts ist gestört.",
    loud={
        "page": "Niemand hat bestätigt.",
        "reopened": "Der Vorfall war behoben und ist wieder da.",
        "handover": "Der Vorfall gehört jetzt dir: deine Schicht hat begonnen.",
        "sla": "Das SLA ist bald verletzt oder schon verletzt.",
    },
)

FR = SlackWords(
    severities={Severity.CRITICAL: "CRITIQUE", Severity.WARNING: "AVERTISSEMENT", Severity.INFO: "INFO"},
    over="RÉSOLU",
    open_="*Ouvert*, personne ne l'a pris en charge",
    step="étape {step} sur {steps}",
    acknowledged="*Pris en charge* par {who}, {at}",
    snoozed="*Reporté* par {who} jusqu'à {until}",
    resolved="*Résolu* par {who}, {at}",
    merged="Fait maintenant *partie de* `{incident}`",
    fires="{firing} alertes actives sur {alerts}",
    opened="depuis {at}",
    back="de retour depuis {at}",
    tenant="client {tenant}",
    given="confié à {to}",
    broken={
        "acknowledge": ":warning: *SLA dépassé :* pas pris en charge à temps",
        "resolve": ":warning: *SLA dépassé :* pas résolu à temps",
    },
    cause="*Cause probable :* {cause}, depuis {at}",
    since="depuis {at}",
    affected="*Touchés :* {what}",
    no_service="sans service",
    alerts="*Alertes les plus graves*",
    alert_over="terminée",
    runbook="Procédure : {link}",
    more="… et {count} autres",
    also="*Aussi ouverts, dans le même message*",
    told="Pourquoi vous : {reason}",
    acknowledge="Prendre en charge",
    resolve="Résoudre",
    snooze="Reporter",
    escalate="Escalader",
    choices={"30m": "30 minutes", "2h": "2 heures", "tomorrow": "Jusqu'à demain 9 h"},
    sure="Confirmer ?",
    escalates="L'étape suivante est prévenue tout de suite.",
    resolves="L'incident est terminé, quoi que disent ses alertes.",
    yes="Oui",
    no="Non",
    look="Ouvrir l'incident",
    respond="Répondre dans le navigateur",
    test="*Ceci est un test*, demandé par {who}. Tout va bien.",
    loud={
        "page": "Personne ne l'a pris en charge.",
        "reopened": "Il était résolu et il est de retour.",
        "handover": "Il est à vous : votre astreinte a commencé.",
        "sla": "Son SLA est sur le point d'être dépassé, ou l'est déjà.",
    },
)

LANGUAGES = {"en": EN, "de": DE, "fr": FR}


def words(language: str) -> SlackWords:
    """A language's words; English for one that is not known."""
    return LANGUAGES.get(language, EN)
