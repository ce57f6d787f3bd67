"""The patterns by which a caption's words about marks are known; see ``mark_references``.

English as models write it after they were shown numbers: "object 3", "labelled with the number 4",
"the giraffe [2]", "next to #5". Patterns read a text whose quotations are blotted out.
"""

from __future__ import annotations

import re

WORDS = "one two three four five six seven eight nine ten eleven twelve".split()
STRONG = (
    r"(?:objects?|regions?|segments?|instances?|masks?|bounding[ -]box(?:es)?"
    r"|(?:object|numeric|segment|instance|mask|region)[ _-]?ids?|ids?)"
)
"""Nouns that with a number after them mean a mark, whether the record has that number or not."""
WEAK = r"(?:items?|marks?|markers?|labels?|elements?|entity|entities|areas?|annotations?|subjects?)"
UNIT = (
    r"(?:feet|foot|ft|inch(?:es)?|cm|mm|met(?:er|re)s?|km|miles?|years?|months?|days?|weeks?|hours?"
    r"|minutes?|seconds?|o['’]?clock|[ap]\.?m\b|percent|degrees?|stor(?:y|ies|eys?)|times|pounds?"
    r"|dollars?|cents?|euros?|people|men|women|children|persons|others?|more|rows?|floors?|levels?"
    r"|wheels?|windows?|doors?|lanes?|tiers?|layers?|sides?|legs?|arms?|panels?|slices?|pieces?)\b"
)
N = rf"(?:#\s?)?(?<![\d.])\d{{1,3}}(?![\w%°€$£]|[.:/]\d|,\d{{3}}|[-–][A-Za-z]|\s+{UNIT})"
SEP = r"(?:\s*,\s*(?:(?:and|or)\s+)?|\s+(?:and|or|to|through)\s+|\s*[&/]\s*|\s*[-–]\s*)"
LIST = (
    rf"{N}(?:{SEP}(?:(?:the\s+)?(?:objects?|regions?|segments?|labels?|marks?|ids?|number)\s+)?"
    rf"{N})*"
)
DET = r"(?:(?:the|this|that|these|those|an?|another|both|all)\s+)?(?:other\s+)?"
NUMBER_WORD = r"(?:numbers?|no\.|nos\.|nr\.|ids?|index|labels?|marks?|markers?|tags?|numeric ids?)"
CENTRE = (
    r"(?:\s*,?\s*(?:(?:which is|that is)\s+)?(?:placed|located|shown|drawn|written|displayed"
    r"|visible"
    r"|positioned)?\s*(?:on|at|in|near)\s+(?:its|the|his|her|their)\s+(?:very\s+)?"
    r"(?:cent(?:er|re)|middle)(?:\s+of\s+(?:it\b|its body\b|the (?:object|region)\b))?)?"
)
PARTICIPLE = (
    r"(?:(?:clearly|also|now)\s+)?(?:marked|labell?ed|numbered|tagged|annotated|denoted|identified"
    r"|indicated|designated|referenced|referred to|denominated|highlighted|outlined)"
)
BRIGHT = r"(?:(?:bright|small|large|white|black|red|green|blue|yellow|orange|purple|pink)\s+)*"
IN_PICTURE = r"(?:\s+in\s+(?:the|this)\s+(?:image|picture|photo(?:graph)?)(?!['’\w]))?"
AND_LINE = (
    rf"(?:\s*(?:,\s*)?and\s+(?:(?:with|by|in)\s+)?(?:an?|its|the)\s+{BRIGHT}"
    r"(?:outline|mask|contour|boundary|bounding box|border|overlay)\b)?"
)
NOTE = re.compile(
    rf"\b{PARTICIPLE}(?:\s+(?:as|with|by|under|using|through))?\s+(?:(?:the|an?|its)\s+)?{BRIGHT}"
    rf"(?:(?:numeric|numerical)\s+)?(?:(?:{STRONG}|{WEAK}|{NUMBER_WORD})\s*)?"
    rf"(?:{NUMBER_WORD}\s*)?[:#]?\s*(?P<list>{LIST}){IN_PICTURE}{CENTRE}{AND_LINE}"
    rf"|\b(?:with|bearing|carrying|having)\s+(?:(?:the|an?|its)\s+)?{BRIGHT}"
    r"(?:(?:numeric|numerical|object|mark|label)\s+)?(?:ids?|index|labels?|marks?|markers?|tags?)"
    rf"(?:\s+numbers?)?\s*[:#]?\s*(?P<list2>{LIST}){CENTRE}"
    r"|\bas\s+(?:highlighted|indicated|shown|seen|marked|denoted)\s+(?:by|in|with)\s+(?:the\s+)?"
    rf"(?:{STRONG}|{WEAK}|{NUMBER_WORD})\s*(?:(?:labell?ed|marked|numbered)\s+(?:(?:as|with)\s+)?)?"
    rf"(?:the\s+)?(?:number\s+)?(?P<list6>{LIST})"
    rf"|\b(?:represented|shown|depicted|listed|described|given)\s+(?:as|by|with"
    rf"|under)\s+(?:the\s+)?"
    rf"(?:{STRONG}|label|mark|marker|{NUMBER_WORD})\s*[:#]?\s*(?P<list5>{LIST}){CENTRE}"
    rf"|(?<=\bis )(?:object|number|no\.|#|id|label)\s*(?=[#\d])(?P<list4>{LIST})"
    r"(?:\s+in\s+(?:the|this)\s+(?:image|picture|photo))?(?=\s*(?:[.;]|$|,\s+and\b|\s+and\b))"
    rf"|\bwith\s+(?:the\s+|a\s+)?{BRIGHT}numbers?\s+(?P<list3>{LIST})(?P<tail>{CENTRE})",
    re.IGNORECASE,
)
BRACKET = re.compile(
    r"(?P<open>[\[(<{])\s*(?:see\s+)?(?:(?:marked|labell?ed|numbered|tagged|annotated)\s+"
    rf"(?:(?:as|with|by)\s+)?)?(?:the\s+)?(?:(?P<word>{STRONG}|{WEAK}|{NUMBER_WORD}"
    rf"|[a-z]+(?=\s))\s*)?[:#]?\s*"
    rf"(?:{NUMBER_WORD}\s*)?(?P<list>{LIST})\s*[\])>}}]",
    re.IGNORECASE,
)
WRAP = re.compile(r"<\s*(?P<list>\d{1,3}(?:\s*,\s*\d{1,3})*)\s*:\s*(?P<phrase>[^<>]*)>")
LEAD = re.compile(
    rf"\s*(?:[\[(<]\s*(?P<a>\d{{1,3}})\s*[\])>]\s*[:.\-–]?|(?:{STRONG}|number|no\.)\s*#?"
    r"(?P<b>\d{1,3})(?:\s*[:)]|\s+[–\-](?=\s)(?!.*\s[–\-]\s))|#?(?P<c>\d{1,3})\s*(?::(?!\d)|\)"
    r"|\.(?!\d)))\s*(?=\S)",
    re.IGNORECASE,
)
NAME = re.compile(
    rf"\b(?P<det>{DET})(?:(?P<participle>marked|labell?ed|highlighted|numbered|annotated)\s+)?"
    rf"(?P<head>{STRONG}|{WEAK})(?:\s+(?:with|of|bearing|having))?"
    rf"(?:\s+(?:the\s+)?{NUMBER_WORD})?\s*[-_:#]?\s*(?P<list>{LIST})(?P<poss>['’]s)?",
    re.IGNORECASE,
)
NAME_WORDS = re.compile(
    rf"\b(?P<det>{DET})(?P<head>objects?|regions?|segments?|instances?)\s+"
    rf"(?P<list>(?:{'|'.join(WORDS)})\b(?:(?:\s*,\s*(?:and\s+)?"
    rf"|\s+and\s+)(?:{'|'.join(WORDS)})\b)*)"
    r"(?P<poss>['’]s)?",
    re.IGNORECASE,
)
NOUN = re.compile(
    rf"(?P<before>\b[A-Za-z'’-]+\s+)?\b(?P<noun>[A-Za-z]+(?:-[A-Za-z]+)?)\s+(?P<list>{LIST})"
    r"(?P<poss>['’]s)?",
)
NUMBERED = re.compile(
    rf"(?<![\w#])(?P<det>(?:the\s+)?)(?:(?:numbers?|nos?\.|nr\.)\s*#?\s*|(?=#))(?P<list>{LIST})"
    r"(?P<poss>['’]s)?",
    re.IGNORECASE,
)
BESIDE = (
    r"next to|beside|behind|near|in front of|(?:left|right) of|above|below|between|adjacent to"
    r"|close to|opposite|alongside|similar to|underneath|beneath|facing|towards?|than|unlike|both"
)
BARE = re.compile(
    rf"\b(?:{BESIDE})\s+(?P<list>{LIST})(?P<poss>['’]s)?"
    r"(?=\s*(?:$|[.,;)!?]|(?:and|or|but|which|that|while|with|in|on|at|is|are|by|from|as)\b))",
    re.IGNORECASE,
)
PAIR = re.compile(
    rf"(?:^|(?<=[.;!?]\s))(?P<list>{N}(?:{SEP}{LIST})?)(?P<poss>(?!))?"
    r"(?=\s+(?:are|both|stand|sit|have|face|lie|is\s+(?!an?\b)|stands|sits|holds|faces|wears"
    r"|looks)\b)"
)
ONE = re.compile(r"\b(?P<det>(?:(?:the|that|this)\s+)?(?:other\s+)?)one\s+$", re.IGNORECASE)
BARE_NP = re.compile(
    r"\b(?:the|this|that)\s+(?P<other>other\s+)?(?P<noun>(?:[A-Za-z-]+\s+)?[A-Za-z-]+)\s*$",
    re.IGNORECASE,
)
INDEFINITE_NP = re.compile(r"\b(?:an?|another|one)\s+(?:[\w-]+\s+){1,3}$", re.IGNORECASE)
GENERIC = re.compile(rf"(?:{STRONG}|{WEAK})$", re.IGNORECASE)
DISPLAYED_BEFORE = re.compile(
    r"\b(?:jerseys?|shirts?|uniforms?|bibs?|vests?|helmets?|wear(?:s|ing)|routes?|reads?|reading"
    r"|says|saying|displays?|displaying|shows?|showing|bears?|bearing|printed|painted|written"
    r"|plates?|house|have|has|having|with|featur(?:es|ing)|includ(?:es|ing)|sports|sporting|digit"
    r"|digits|sign|clock|face|phone|channel|platform|gate|highway|street|avenue|lane|track|pier"
    r"|flight|size|page|score|ranked|rated|room|seat|locker|berth|booth|hole|pole|the year|model"
    r"|boeing|airbus|interstate|exit|bus|train|tram)"
    r"(?:\s+(?:is|are|a|an|the|of|with|as|line|its|big|large|bold|white|black|red|yellow|blue"
    r"|prominent|bright))*\s+(?:on\s+)?$",
    re.IGNORECASE,
)
DISPLAYED_AFTER = re.compile(
    r"\s*,?\s*(?:(?:is|are|was)\s+)?(?:(?:clearly|prominently|visibly|also)\s+)?(?:(?:printed"
    r"|painted"
    r"|written|displayed|visible|shown|seen|stitched|embroidered|stamped|inscribed|engraved|placed"
    r"|emblazoned)\s+)?(?:on|across|above|along|over)\s+(?:(?:the\s+)?(?:back|front|side|top|left"
    r"|right|lower|upper)\s+(?:side\s+|half\s+)?of\s+)?(?:its|the|his|her|their|one|an?|both"
    r"|each)\s+"
    r"(?!(?:cent(?:er|re)|middle)\b(?!\s+of\s+(?:its|the|his|her)))"
    r"(?!(?:image|picture|photo|left(?!\s+\w)|right(?!\s+\w)|grass|road|street|ground|table|bench"
    r"|beach|sidewalk|floor|field)\b)"
    r"|\s+(?:jersey|shirt|uniform|bus|train|tram|sign|route|key|button|ball|pool|iron|plate|bib)\b",
    re.IGNORECASE,
)
BEARERS = frozenset({"player", "runner", "athlete", "racer", "rider", "cyclist", "jockey", "skier"})
BEARING = frozenset(
    (
        *("bus", "car", "truck", "train", "boat", "airplane", "motorcycle", "bicycle", "horse"),
        *(
            "sports ball",
            "clock",
            "stop sign",
            "keyboard",
            "remote",
            "cell phone",
            "book",
            "bottle",
        ),
        *("parking meter", "door-stuff", "house", "building-other-merged", "banner"),
    )
)
"""Categories whose things often bear a number of their own."""
FOLLOWS_LIST = re.compile(
    r"\s*(?:$|[.,;:)!?\]'’]|(?:and|or|is|are|was|were|has|have|can|both|all|in|on|at|with|by"
    r"|near|next"
    r"|beside|behind|to|from|of|for|which|that|while|where|as|appears?|seems?|stands?|sits?|lies?"
    r"|under|above|below|over|but|who|also)\b)",
    re.IGNORECASE,
)
