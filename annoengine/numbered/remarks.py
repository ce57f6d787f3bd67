"""The lines of an answer that are no entry: headings of a section, and remarks around it."""

from __future__ import annotations

import re

SECTION = re.compile(
    r"(?:the |all |following |visible |marked |labeled |key |detailed |list of )*"
    r"(?P<what>objects?(?: and background)?|object descriptions|descriptions?|instances|regions"
    r"|interactions?|relationships?|relations)\b"
    r"(?: (?:in|of|between|among|with|and|the|these|image|photo|picture|scene|objects|them|each"
    r"|other|descriptions?|background)\b)*"
    r"(?: (?:include|includes|are|is)\b)?(?: as follows| the following)?"
    r"\s*(?::\s*(?P<rest>.*))?$",
    re.IGNORECASE,
)
INLINE_SECTION = re.compile(r"\s+(?=the (?:objects|interactions) include\s*:)", re.IGNORECASE)
CLOSING = re.compile(
    r"(?:please )?(?:let me know|feel free|i hope|hope this|if you (?:have|need|would|want)"
    r"|note that|please note|in summary|in conclusion|to summari[sz]e|these descriptions"
    r"|this description|the above|is there anything|would you like|thank you|end of)\b"
    r"|(?:note|overall(?: scene| impression)?)\s*[:,]",
    re.IGNORECASE,
)
NO_INTERACTIONS = re.compile(
    r"(?:there (?:are|is) )?(?:none|no|n/a|not applicable)\b.{0,80}$", re.IGNORECASE
)
