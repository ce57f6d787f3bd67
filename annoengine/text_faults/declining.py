"""How far a caption declines to describe: as a whole, or in some of its sentences."""

from __future__ import annotations

import re

from annoengine.description_faults import declines
from annoengine.text_faults.sentences import letters_in, sentences_in, without_quotes

_SPEAKER = re.compile(
    r"\b(?:i|we)(?:['’]m| am|['’]re| are)? (?:\w+ly )?"
    r"(?:sorry|afraid|unable|not able|cannot|can ?not|can['’]?t|could ?n[o'’]?t"
    r"|do ?n[o'’]?t (?:see|have|know|think)|won['’]?t|must decline)\b"
    r"|\b(?:my apologies|as an ai|as a language model|please provide|i apologi[sz]e)\b"
    r"|\b(?:is|are) (?:not possible|impossible) to (?:describe|identify|provide|give)\b"
    r"|\b(?:can ?not|can['’]?t) (?:be )?(?:described?|provided?|assist|help)\b"
    r"|\bno (?:further )?description (?:can|could|is)\b",
    re.IGNORECASE,
)

_CUES = frozenset("i we apologies ai model please possible impossible cannot can no".split())
"""Each form holds one of these."""


def refusal_share(text: str) -> float:
    """1 where a caption as a whole declines; else the share of its sentences that do.

    >>> refusal_share("Not visible in the image."), refusal_share("Her face cannot be seen.")
    (1.0, 1.0)
    >>> refusal_share("A man in a red coat. I cannot describe his face.")
    0.5
    """
    if declines(text):
        return 1.0
    if _CUES.isdisjoint(letters_in(text)) or not _SPEAKER.search(text):
        return 0.0
    said = sentences_in(without_quotes(text))
    return round(sum(bool(_SPEAKER.search(one)) for one in said) / len(said), 4) if said else 0.0
