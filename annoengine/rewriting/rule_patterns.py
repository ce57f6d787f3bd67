"""What stands around a name that the rules put in: "is a", "shows", "in the image, ".

Patterns alone; what follows from a match is decided in ``rules``.
"""

from __future__ import annotations

import re

SAYS = re.compile(
    r"\s+(?:(?P<seems>(?:appears|seems)\s+to\s+be|could\s+be|may\s+be|might\s+be|is\s+(?:likely|probably"
    r"|possibly))|(?P<are>are)|represents|refers\s+to|corresponds\s+to|denotes|is\s+(?:identified|labell?ed"
    r"|categori[sz]ed|classified|annotated|marked|recogni[sz]ed|described)\s+as|is)\s?"
    r"(?=\s+(?:an?|the|one|part|some|several|two|three|another)\s)",
    re.IGNORECASE,
)
"""What says, after a name, what the thing is."""

IS_KIND = re.compile(
    r"\s+(?:(?:is|are)(?!\s+(?:an?|the|one)\s)|(?:mainly\s+|mostly\s+)?consists?\s+(?:mainly\s+|mostly\s+)?of|shows|depicts"
    r"|represents|displays|contains|features)\s+(?P<kind>(?:[A-Za-z-]+,?\s+){0,6}[A-Za-z-]+)"
)
"""What says what a region holds."""

FUNCTION_WORD = re.compile(
    r"(?:in|on|at|with|by|near|to|of|for|from|and|or|not|very|also|that|which|next"
    r"|behind|above|below|more|is|are|than|the|an?|as|like|other|another|its|their|one|both|beside"
    r"|between|under|over|against|across|along|around)|\w+(?:ed|ing)",
    re.IGNORECASE,
)
"""Words that are not yet the kind of the thing itself."""

IN_IMAGE = re.compile(r"\s*(?:in|within)\s+(?:the|this)\s+\w+\s*,\s*", re.IGNORECASE)
INSIDE = re.compile(
    r"\b(?:(?:shown|seen|visible|located|labell?ed|marked)\s+)?(?:in|within|inside|at)\s+$"
    r"|\b(?:indicating|denoting|representing|signifying)\s+$",
    re.IGNORECASE,
)
ARE = re.compile(r"\s+are\s+(?:both\s+|all\s+)?((?:\w+\s+){0,2}\w+)", re.IGNORECASE)
