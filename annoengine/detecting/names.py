"""Reads the name of a region out of what a model says when it is asked for one.

A tag is a short noun phrase in lower case without an article. Models put sentences, quotes,
asterisks and lists around it; what cannot be read as a name is none, and the region stays unnamed.
"""

from __future__ import annotations

import re

MOST_WORDS = 5
"""A tag with more words is a description."""

_LEAD = re.compile(
    r"""^(?:
      (?:sure|certainly|okay|ok|yes)\s*[,.!:]\s*
    | (?:the\s+)?(?:final\s+)?(?:answer|name|tag|label|object|category)\s*(?:is|:|=)\s*
    | (?:this|it|that)\s+(?:is|appears\s+to\s+be|looks\s+like|seems\s+to\s+be)\s+
    | (?:this|the)\s+(?:image|picture|photo(?:graph)?|crop|region|object|area)\s+
      (?:shows?|is|depicts|contains|appears\s+to\s+be|looks\s+like)\s+
    | (?:i|we)\s+(?:can\s+)?see\s+
    | [-*•]\s+ | \d+[.)]\s+
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_ARTICLE = re.compile(r"^(?:an?|the|some|one|part\s+of\s+(?:an?|the))\s+", re.IGNORECASE)
_NOTHING = frozenset(
    "unknown nothing none unclear unidentifiable unsure object thing something region area item "
    "background n/a na".split()
)
_REFUSAL = re.compile(
    r"\b(?:i\s*(?:'|’)?\s*m\s+sorry|sorry|cannot|can\s*(?:'|’)\s*t|can\s+not|unable|as\s+an\s+ai"
    r"|not\s+sure|hard\s+to\s+(?:tell|say))\b",
    re.IGNORECASE,
)
_EDGES = " \t\"'“”‘’`*_.,;:!?()[]{}<>"


def name_in(text: str) -> str | None:
    """The tag that an answer gives, or None.

    >>> name_in("A red fire hydrant."), name_in('**Answer:** "Text on a t-shirt"')
    ('red fire hydrant', 'text on a t-shirt')
    >>> name_in("I'm sorry, I can't tell."), name_in("unknown")
    (None, None)
    """
    line = next((line.strip() for line in text.splitlines() if line.strip(_EDGES)), "")
    line = line.replace("*", "").replace("`", "")
    if _REFUSAL.search(line):
        return None
    while (shorter := _LEAD.sub("", line, count=1)) != line:
        line = shorter
    line = re.split(r"[.;!?](?:\s|$)|,\s|\s[-–—]\s|\s\(", line.strip(), maxsplit=1)[0]
    line = line.strip(_EDGES)
    while (shorter := _ARTICLE.sub("", line, count=1)) != line:
        line = shorter
    name = " ".join(line.strip(_EDGES).lower().split())
    words = name.split()
    if not words or len(words) > MOST_WORDS or not any(c.isalpha() for c in name):
        return None
    return None if name in _NOTHING else name
