"""What is said to a telephone, in three languages: hints under a text message, answers to a reply or a key, a call."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

LANGUAGES = ("en", "de", "fr")
VOICES = {"en": "en-US", "de": "de-DE", "fr": "fr-FR"}

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "reply": "Reply 1 {code}: I have it, 2 {code}: escalate",
        "keys": "Press 1 if you have it. Press 2 to escalate.",
        "intro": "This is Tocsin.",
        "bye": "Goodbye. The incident is still open.",
        "acknowledge": "Thank you. It is yours: {title}",
        "escalate": "Somebody else is being told: {title}",
        "resolve": "It is closed: {title}",
        "already": "Nothing changed: {why}",
        "stranger": "I do not know this number, and nothing has changed. Ask for it under users.NAME.contacts.phone.",
        "refused": "You may not do that, and nothing has changed.",
        "unknown": "No open incident of yours has the number {code}. Nothing has changed.",
        "none": "You were told of no incident that is open.",
        "which": "Several are open. Reply 1 and the number: {list}",
        "help": "Reply 1 and the incident's number if you have it, 2 to escalate, 3 to close it.",
        "machine": "Nothing has changed.",
        "again": "Nothing could be recorded just now. Please try again.",
    },
    "de": {
        "reply": "Antwort 1 {code}: ich übernehme, 2 {code}: eskalieren",
        "keys": "Drücken Sie die 1, wenn Sie übernehmen. Drücken Sie die 2, um zu eskalieren.",
        "intro": "Hier ist Tocsin.",
        "bye": "Auf Wiederhören. Der Vorfall ist noch offen.",
        "acknowledge": "Danke. Sie haben übernommen: {title}",
        "escalate": "Jemand anderes wird verständigt: {title}",
        "resolve": "Abgeschlossen: {title}",
        "already": "Nichts geändert: {why}",
        "stranger": "Diese Nummer ist unbekannt, nichts wurde geändert. Sie gehört unter users.NAME.contacts.phone.",
        "refused": "Das dürfen Sie nicht, nichts wurde geändert.",
        "unknown": "Kein offener Vorfall von Ihnen hat die Nummer {code}. Nichts wurde geändert.",
        "none": "Ihnen wurde kein Vorfall gemeldet, der noch offen ist.",
        "which": "Mehrere sind offen. Antworten Sie 1 und die Nummer: {list}",
        "help": "Antworten Sie 1 und die Nummer des Vorfalls: übernehmen. 2: eskalieren. 3: abschließen.",
        "machine": "Nichts wurde geändert.",
        "again": "Gerade konnte nichts festgehalten werden. Bitte noch einmal.",
    },
    "fr": {
        "reply": "Répondez 1 {code} : je prends, 2 {code} : escalader",
        "keys": "Appuyez sur 1 si vous prenez l'incident en charge. Appuyez sur 2 pour escalader.",
        "intro": "Ici Tocsin.",
        "bye": "Au revoir. L'incident est toujours ouvert.",
        "acknowledge": "Merci. Vous prenez en charge : {title}",
        "escalate": "Quelqu'un d'autre est prévenu : {title}",
        "resolve": "Clos : {title}",
        "already": "Rien n'a changé : {why}",
        "stranger": "Ce numéro est inconnu, rien n'a changé. Sa place est sous users.NOM.contacts.phone.",
        "refused": "Vous n'en avez pas le droit, rien n'a changé.",
        "unknown": "Aucun incident ouvert ne porte pour vous le numéro {code}. Rien n'a changé.",
        "none": "Aucun incident ouvert ne vous a été signalé.",
        "which": "Plusieurs sont ouverts. Répondez 1 et le numéro : {list}",
        "help": "Répondez 1 et le numéro de l'incident pour le prendre, 2 pour escalader, 3 pour le clore.",
        "machine": "Rien n'a changé.",
        "again": "Rien n'a pu être enregistré. Réessayez, s'il vous plaît.",
    },
}


def words(language: str) -> Mapping[str, str]:
    """What is said in a language; in English where there is none of that."""
    return WORDS.get(language, WORDS["en"])


def code_of(incident: str) -> str:
    """Three digits that stand for an incident in a reply: typed on a telephone, and told apart among one's own."""
    return str(100 + int.from_bytes(blake2b(incident.encode(), digest_size=4).digest()) % 900)
