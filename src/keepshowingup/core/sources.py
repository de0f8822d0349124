"""Health claims and their sources: who says "research shows" says which research."""

from __future__ import annotations

import re

from keepshowingup.core.findings import Findings, found_at
from keepshowingup.core.reading_copy import ReadingCopy

_CLAIM = re.compile(
    r"\b(?:stud(?:y|ies)|research(?:ers)?|science|scientists|evidence|statistics|surveys|experts|doctors)(?:\s+\w+){0,2}?\s+"
    r"(?:show(?:s|n|ed)?|suggests?|prov(?:es?|en|ed)|says?|finds?|found|agree|confirms?|indicates?|reveal(?:s|ed)?|believe)\b"
    r"|\bit(?:'s|\s+is|\s+has\s+been)\s+(?:scientifically\s+)?(?:proven|shown)\b"
    r"|\baccording\s+to\s+(?:experts|studies|research|science|scientists|doctors|statistics|a\s+study)\b"
    r"|\b\d[\d.,]*\s?(?:%|percent|per\s+cent)|\b(?:one|two|three|four|nine|\d+)\s+(?:out\s+of|in)\s+(?:every\s+)?(?:\d+|two|"
    r"three|four|five|six|eight|ten)\s+(?:people|adults|teens|americans|men|women|patients|families)\b",
    re.IGNORECASE,
)
_HEALTH = re.compile(
    r"\b(?:health\w*|brain|bod(?:y|ies)|recover\w*|addict\w*|drink\w*|drugs?|alcohol\w*|sleep|anxiety|depress\w+|stress|"
    r"relaps\w+|treatment|therapy|pain|disease|disorders?|heart|immun\w+|blood|cancer|overdos\w+|exercise|meditat\w+|"
    r"patients?|mental|substances?|cravings?|withdrawal|suicid\w+|die|died|deaths?|lonel\w+|cope|coping)\b",
    re.IGNORECASE,
)
_SOURCE = re.compile(
    r"\]\(\s*(?:https?:|#|\d)|https?://|\[\^?[\w*]{1,12}\]|\(\s*[A-Z][^()]{0,80}\b(?:19|20)\d\d[a-z]?\s*\)|\((?:19|20)\d\d\)"
    r"|\bet\s+al\b|\b(?:NIDA|CDC|WHO|NHS|NIH|SAMHSA|NIAAA|VA|FDA|AMA|APA|Cochrane|Lancet|JAMA|BMJ|Pew|Gallup|RAND)\b"
    r"|\b(?:National|University|Institutes?|College|Journal|Centers?\s+for|Department|Ministry|Harvard|Stanford|Yale|Mayo)\b"
    r"|\bin\s+(?:19|20)\d\d\b|[¹²³⁴-⁹]"
)


def find_unsourced(copy: ReadingCopy) -> Findings:
    """Sentences that claim something about health in the name of research, in a paragraph that names none."""
    for block in copy.prose:
        if _SOURCE.search(block.text):
            continue
        for match in _CLAIM.finditer(copy.plain, block.start, block.end):
            start, end = copy.sentence_at(match.start())
            if _HEALTH.search(copy.plain[start:end]):
                advice = "Name the source in this paragraph, or leave the claim out."
                yield found_at(copy, *match.span(), "claim.unsourced", "claim", "warn", advice)
