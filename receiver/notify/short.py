"""The short text of a message, for SMS and the like, and the spoken one, for a call."""

from __future__ import annotations

from collections.abc import Iterator

from receiver.engine.occurrence import one_line
from receiver.notify.channel import Envelope
from receiver.notify.sheet import Sheet, link
from receiver.notify.speech import Speech

# GSM 03.38: the default alphabet, and its extension, whose characters count twice.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€")
GSM = BASIC | EXTENDED
TWO_SEGMENTS_GSM = 2 * 153  # septets: each part of several has a header
TWO_SEGMENTS_UCS2 = 2 * 67  # UTF-16 units
PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "–": "-", "—": "-", "×": "x", "\u202f": " "})
LONGEST_SPOKEN = 600
FIRST_LINE = ("sla", "update", "approval", "remediation")  # messages whose first sentence tells most


def short(envelope: Envelope, sheet: Sheet, speech: Speech) -> str:
    """Two segments of SMS at most: what it is and the link to answer stand in it, the rest as far as there is room."""
    tail = link(envelope.links.acknowledge) if sheet.facts["answer_link"] else ""
    return fit([sheet.subject, *_short(envelope, sheet, speech)], tail)


def _short(envelope: Envelope, sheet: Sheet, speech: Speech) -> Iterator[str]:
    incident = envelope.incident
    if envelope.tested_by or envelope.message in FIRST_LINE:
        yield sheet.facts["lead"][0]
    elif envelope.message != "resolved":
        since = f"{speech.hour(incident.opened_at)} {speech.time(incident.opened_at).rpartition(' ')[2]}"
        yield speech.say("short_alerts", alerts=speech.count("alert", incident.firing), at=since)
        if sheet.cause:
            yield speech.say("short_cause", cause=sheet.cause)
    yield incident.id
    yield from _runs(sheet)


def _runs(sheet: Sheet) -> list[str]:
    """What runbooks have done; an update about one has said it already."""
    return [line for line in sheet.facts["runs"] if line != sheet.facts["lead"][0]]


def fit(parts: list[str], tail: str = "") -> str:
    """The parts, one after the other, as far as two segments hold them; `tail` is kept, the first part cut."""
    plain = [one_line(part, 1000).translate(PLAIN) for part in parts]
    end = f" {tail}" if tail and fits(tail) else ""
    whole = plain[0]
    if not fits(whole + end):
        whole = _cut(whole, end)
    for part in plain[1:]:
        if fits(f"{whole} {part}{end}"):
            whole = f"{whole} {part}"
    return whole + end


def _cut(text: str, end: str) -> str:
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(f"{text[:middle]}...{end}") else (low, middle - 1)
    return f"{text[:low].rstrip()}..."


def fits(text: str) -> bool:
    """Whether a text is two segments at most, in the alphabet that it needs."""
    if GSM.issuperset(text):
        return len(text) + sum(map(text.count, EXTENDED)) <= TWO_SEGMENTS_GSM
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 <= TWO_SEGMENTS_UCS2


def spoken(envelope: Envelope, sheet: Sheet, speech: Speech) -> str:
    """What is read out in a call: no ids, no addresses, nothing that a voice cannot say."""
    incident = envelope.incident
    said = [speech.say("spoken", mark=sheet.mark.capitalize(), title=sheet.title.rstrip("."))]
    if envelope.tested_by or envelope.message in (*FIRST_LINE, "resolved"):
        said.append(sheet.facts["lead"][0])
    else:
        since = speech.hour(incident.opened_at)
        said.append(speech.say("spoken_alerts", alerts=speech.count("alert", incident.firing), at=since))
        if sheet.cause:
            said.append(speech.say("spoken_cause", cause=sheet.cause))
    said += _runs(sheet)
    if envelope.also:
        said.append(speech.say("spoken_also", incidents=speech.count("incident", len(envelope.also))))
    return one_line(" ".join(said), LONGEST_SPOKEN)
