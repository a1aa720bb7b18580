"""Texts that fit into short messages: how many segments they take, and shorter where that is too many.

Source: 3GPP TS 23.038 (the GSM 7-bit default alphabet and its extension), TS 23.040 (concatenation).
"""

from __future__ import annotations

from receiver.engine.occurrence import one_line
from receiver.notify.channel import Envelope
from receiver.notify.text import Text

GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€")  # two septets each
FOLDED = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "–": "-", "—": "-", "−": "-"}
    | {"…": "...", "•": "-", "→": "->", "\u00a0": " ", "\u202f": " ", "×": "x", "`": "'", "ç": "c", "ê": "e"}
    | {"â": "a", "î": "i", "ô": "o", "û": "u", "ë": "e", "ï": "i", "œ": "oe", "À": "A", "È": "E", "°": " deg"}
)
LONGEST = 2_000  # characters that are looked at


def message(text: Text, envelope: Envelope, hint: str, most: int) -> str:
    """A message in words as it is sent: what is wrong, as far as there is room; where and how to answer, whole."""
    where = envelope.links.acknowledge or envelope.links.incident
    head = (text.short or text.subject).replace(envelope.links.acknowledge, "") if where else text.short or text.subject
    return fitted(head, " ".join(part for part in (where, hint) if part), most)


def segments(text: str) -> int:
    """How many segments a text is sent in: 160 septets or 70 UTF-16 units in one, 153 or 67 in each of several."""
    if all(char in GSM or char in GSM_EXTENDED for char in text):
        return _parts([1 + (char in GSM_EXTENDED) for char in text], 160, 153)
    return _parts([1 + (ord(char) > 0xFFFF) for char in text], 70, 67)


def _parts(costs: list[int], alone: int, each: int) -> int:
    if sum(costs) <= alone:
        return 1
    count, used = 1, 0
    for cost in costs:  # no character is torn between two segments
        if used + cost > each:
            count, used = count + 1, 0
        used += cost
    return count


def fitted(head: str, tail: str, most: int) -> str:
    """The head, shortened until it fits with the whole tail into so many segments; on one line, without oddities.

    What typography adds and the GSM alphabet lacks is written plainly: one such character halves what fits.
    """
    head, tail = (one_line(part, LONGEST).translate(FOLDED) for part in (head, tail))
    whole = _joined(head, tail)
    if segments(whole) <= most:
        return whole
    low, high = 0, len(head)  # the longest beginning that fits lies between
    while low < high:
        middle = (low + high + 1) // 2
        if segments(_joined(head[:middle].rstrip() + "...", tail)) <= most:
            low = middle
        else:
            high = middle - 1
    return _joined(head[:low].rstrip() + "...", tail)


def _joined(head: str, tail: str) -> str:
    return f"{head} {tail}" if tail else head
