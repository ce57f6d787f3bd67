"""Finds where a caption speaks of its annotation: boxes, outlines, masks, labels, drawn numbers.

Patterns over a text whose quotations and coordinates are blotted out. Each asks for words that
nobody uses of a thing in a photograph, or for two that together do ("highlighted" and "region"):
highlighted text, a mask on a face, a box of pizza and a labelled bottle are content.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from annoengine.categories import fits
from annoengine.rewriting.shade import BLOT, shaded

Kind = Literal["note", "own", "swap", "sentence"]
"""``note`` is an addition that can be cut out, ``own`` stands for the caption's own segment,
``swap`` has other words that say the same, ``sentence`` is a clause about nothing else."""


@dataclass(frozen=True)
class Talk:
    """``text[start:end]`` is talk of the annotation; ``new`` is what a ``swap`` puts there."""

    start: int
    end: int
    kind: Kind
    new: str = ""


_COLOUR = (
    r"(?:(?:bright|light|dark|neon|pale|lime|sky)[ -])?(?:red|green|blue|yellow|orange|purple|pink"
    r"|cyan|magenta|white|black|brown|gr[ae]y|turquoise|teal|violet|lime|gold|golden|colou?red)"
)
_LOOK = (
    rf"(?:(?:{_COLOUR}|bright|thin|thick|bold|dotted|dashed|solid|drawn|visible|clear|highlighted"
    r"|marked|surrounding)\s+)*"
)
_BOX = (
    r"(?:bounding[ -]?box(?:es)?|(?:segmentation|object|instance|annotation)\s+masks?|bbox(?:es)?)"
)
_LINE = r"(?:outlines?|contour(?: line)?s?|boundary(?: line)?s?|boundaries|rectangle|bounding line)"
_DONE = (
    r"(?:highlighted|marked|labell?ed|annotated|outlined|segmented|masked|numbered|queried"
    r"|specified"
    r"|indicated|designated|boxed|circled|delineated|demarcated|tagged)"
)
_PLACE = r"(?:region|area|section|portion|part|segment|zone|space|spot)"
_THING = r"(?:object|item|subject|instance|element|entity|thing|figure)"
_ITS = r"(?:the|its|their|his|her|a|an|this|that)"
_PICTURE = r"(?:image|picture|photo|photograph|scene|frame)"
_OF_PICTURE = rf"(?:\s+(?:of|in|within)\s+(?:the|this)\s+{_PICTURE})?"
_AROUND = (
    r"(?:\s+(?:drawn\s+|placed\s+)?(?:around|surrounding|enclosing|on|over|of|for)\s+"
    r"(?:it|them|him|her|its (?:body|edges?|shape)|the (?:object|region|area|animal|person)))?"
)
_CENTRE = (
    r"(?:on|at|in|near|over)\s+(?:its|the|his|her|their)\s+(?:very\s+)?(?:cent(?:er|re)|middle)"
    r"(?:\s+of\s+(?:it\b|its body\b|the (?:object|region|area)\b))?"
)
_NUMERAL = (
    r"(?:(?:bright|white|small|large|numeric|numerical|identification|drawn|yellow|red|green|blue)"
    r"\s+)*"
)
_ID = r"(?:ids?|id numbers?|numeric labels?|numerical labels?|label numbers?|mark numbers?)"
_LIT = (
    r"(?!\s+(?:by|against|with|in)\s+(?:\w+\s+){0,3}?(?:sun|light|lights|lighting|sunlight"
    r"|glow|sky))"
)
_STEMS = tuple(
    "bounding bbox highlight outlin contour boundar mark label annotat segment mask number queried"
    " specified indicated designated rectangle delineat categor circled boxed frame tagged digit"
    " numeric demarcat bounded enclosed encircl target selected given referenced".split()
)
"""A text without any of these, in lower case, holds no talk: far quicker to tell than patterns."""

_NOTES = [
    # "as indicated by the label", "as shown by its bounding box"
    r"\bas\s+(?:is\s+)?(?:clearly\s+)?(?:indicated|shown|denoted|marked|suggested|identified"
    r"|specified|described|given|seen|noted|defined|confirmed)\s+(?:by|in|with|on)\s+"
    rf"{_ITS}\s+{_NUMERAL}{_LOOK}(?:{_BOX}|{_LINE}|{_ID}|labels?|markers?|marks?"
    rf"|mask(?:\s+numbers?)?s?"
    r"|numbers?|annotations?|tags?|segmentation|category|categories)\b",
    r"\bas\s+(?:labell?ed|marked|annotated|highlighted|outlined|segmented)"
    rf"(?:\s+(?:in|on)\s+(?:the|this)\s+{_PICTURE})?(?=\s*[,.;)])",
    r"\b(?:according\s+to|based\s+on|per|following)\s+(?:the|its)\s+(?:given\s+|provided\s+)?"
    r"(?:labels?|annotations?|mask(?:\s+numbers?)?s?|markers?|bounding\s+box(?:es)?|segmentation"
    r"|(?:given|provided)\s+categor(?:y|ies))\b",
    # "grounded by the mask numbers for clarity and detail"
    r"\b(?:grounded|referenced|identified|supported)\s+(?:by|with|through|using)\s+(?:the\s+"
    r"|their\s+)?"
    r"(?:mask|label|mark|region|segment|object|id)\s*(?:numbers?|ids?|labels?|indices)"
    r"(?:\s+for\s+clarity(?:\s+and\s+\w+)?)?",
    # "enclosed in a red bounding box", "within the bounding box"
    rf"(?:\b(?:clearly\s+|also\s+)?(?:enclosed|surrounded|bounded|outlined|framed|delimited|defined"
    rf"|highlighted|marked|indicated|covered|shown|contained|captured|located|denoted"
    rf"|encircled)\s+)?"
    rf"\b(?:in|inside|within|by|with|under|using)\s+(?:{_ITS}\s+)?{_LOOK}(?:{_BOX})\b{_AROUND}"
    rf"(?!\s*(?:is|are|:|at)?\s*{BLOT})",
    # "surrounded by a red outline", "with a red outline around it", "in the red outline"
    rf"\b(?:clearly\s+|also\s+)?(?:enclosed|surrounded|bounded|framed|delimited|defined|highlighted"
    rf"|marked|indicated|shown|denoted|encircled|delineated|demarcated)\s+(?:by|with|in|using)\s+"
    rf"(?:{_ITS}\s+)?{_LOOK}(?:{_LINE}|overlay|box|highlight|mask|circle|border)\b{_AROUND}",
    rf"\b(?:bounded|enclosed|outlined|surrounded|encircled|delimited)\s+(?:by|with)\s+an?\s+"
    rf"(?:thin\s+|thick\s+|bright\s+)?{_COLOUR}\s+(?:line|ring|circle|frame)\b",
    rf"\b(?:with|by|inside|within|in)\s+{_ITS}\s+{_COLOUR}\s+{_LINE}(?:{_AROUND})"
    r"(?!\s+of\b)",
    rf"\bwith\s+(?:a|the|its)\s+{_LOOK}(?:{_LINE}|box|border|highlight|mask|overlay)"
    r"\s+(?:drawn\s+)?(?:around|over|on top of)\s+(?:it|them|him|her|the\s+(?:object|region"
    r"|area))\b",
    # "highlighted in green", "outlined in red", "highlighted with a blue colour"
    rf"\b(?:clearly\s+|also\s+)?(?:highlighted|outlined|annotated|segmented|masked|contoured"
    rf"|color-coded|colour-coded)\s+(?:in|with|by)\s+(?:a\s+|the\s+)?{_COLOUR}"
    rf"(?:\s+(?:colou?r|hue|shade|{_LINE}|mask|overlay|border|line|box))?\b(?!\s+(?:and"
    rf"|or)\s+{_COLOUR})"
    r"(?!\s*(?:light|sunlight|neon|led|paint|letters|trim))",
    rf"\b(?:marked|labell?ed|indicated|denoted)\s+(?:in|with|by)\s+(?:a\s+|the\s+)?{_LOOK}"
    r"(?:outline|overlay|highlight|mask|contour|bounding\s+line|numeric\s+(?:id|label))\b",
    # "in the segmented area", "within the highlighted part of the image"
    rf"\b(?:in|inside|within|at|on|from|throughout|of)\s+(?:the|this"
    rf"|that)\s+{_DONE}\s+{_PLACE}s?{_OF_PICTURE}\b",
    # "with a bright numeric ID at its centre", "the number placed on its centre"
    rf"\b(?:with|bearing|carrying|by|and)\s+(?:(?:the|a|an|its)\s+)?{_NUMERAL}"
    rf"(?:numbers?|{_ID}|label|mark|marker|digit)\s+(?:(?:which|that)\s+is\s+)?(?:placed|located"
    rf"|shown"
    rf"|drawn|written|displayed|visible|positioned|overlaid)?\s*{_CENTRE}",
    rf"\b(?:with|bearing|carrying|by)\s+(?:(?:the|a|an"
    rf"|its)\s+)?{_NUMERAL}(?:numeric(?:al)?\s+)(?:id|ids"
    r"|label|labels|mark|marker)\b",
    rf"\b(?:marked|labell?ed|annotated|numbered|tagged|identified|indicated|denoted)\s+(?:with"
    rf"|by|as|in|at)"
    rf"\s+(?:(?:the|a|an|its)\s+)?(?:{_NUMERAL}(?:{_ID}|numeric\s+\w+|number(?=\s*[,.;]"
    rf"|\s+{_CENTRE}))"
    rf"(?:\s+{_CENTRE})?|{_CENTRE})",
    rf"\b(?:highlighted|annotated|segmented)\s+(?:in|on|within)\s+(?:the|this)\s+{_PICTURE}\b",
    rf"\b(?:marked|labell?ed)\s+(?:in|on|within)\s+(?:the|this)\s+{_PICTURE}\b",
    rf"\b(?:clearly\s+)?annotated(?=\s*[,.;]|\s+and\b|\s*$)"
    rf"|\b(?:clearly\s+)?(?<=is )highlighted{_LIT}"
    r"(?=\s*[,.;]|\s+and\b|\s*$)",
    # "belongs to the given category", "from the provided categories"
    r"\b(?:from|in|of|under|within)\s+the\s+(?:given|provided)\s+categor(?:y|ies)\b",
]
_SWAPS = [
    (
        rf"\b(?P<det>[Tt]he|[Tt]his|[Tt]hese|[Tt]hose|[Aa]ll|[Oo]ther|[Ee]ach)\s+(?P<o>other\s+)?"
        rf"{_DONE}\s+(?P<noun>{_THING}s)\b",
        r"\g<det> \g<o>\g<noun>",
    ),
    (
        rf"\b(?P<det>[Tt]he|[Tt]hese|[Tt]hose"
        rf"|[Aa]ll)\s+(?P<o>other\s+)?{_DONE}\s+{_PLACE}s{_OF_PICTURE}\b",
        r"\g<det> \g<o>parts of the image",
    ),
    (
        r"\b(?:marked|labell?ed|annotated|highlighted|segmented)\s+"
        r"(?P<noun>objects|regions|areas|instances|elements|entities)\b",
        r"\g<noun>",
    ),
    (
        rf"\b(?P<det>[Tt]he other|[Aa]nother|[Aa]n?|[Ee]ach"
        rf"|[Aa]ny)\s+{_DONE}\s+(?P<noun>{_THING})\b",
        r"\g<det> \g<noun>",
    ),
    (
        rf"\b(?P<det>[Tt]he other|[Aa]nother|[Aa]n?|[Ee]ach|[Aa]ny)\s+"
        rf"(?:highlighted|annotated|segmented|queried|specified"
        rf"|labell?ed)\s+{_PLACE}{_OF_PICTURE}\b",
        r"\g<det> area",
    ),
    (r"\bin the current frame\b", "in the image"),
]
_OWN = [
    rf"\b(?:the|this|that)\s+(?:{_COLOUR}\s+)?{_DONE}\s+(?:{_THING}|{_PLACE}){_OF_PICTURE}\b",
    r"\bthe\s+(?:target|selected|given|referenced)\s+(?:object|region|instance|segment|subject)\b",
    rf"\bthe\s+(?:{_THING}|{_PLACE})(?=\s+(?:enclosed|outlined|highlighted|surrounded)\s+(?:in"
    rf"|by|with)"
    rf"\s+(?:(?:the|a|its)\s+)?{_LOOK}(?:{_BOX}|{_LINE}|{_COLOUR}))",
]
_SHOWS = (
    r"(?:shows?|contains?|depicts?|displays?|features?|encloses?|includes?|covers|highlights"
    r"|outlines|indicates|captures|represents|corresponds\s+to|marks|surrounds|encompasses|is\s+of)"
)
_SUBJECTS = re.compile(
    rf"(?P<subject>\b(?:the|its|a|this)\s+{_LOOK}(?:{_BOX}|(?:segmentation\s+)?mask"
    rf"|{_COLOUR}\s+{_LINE}"
    rf"|{_DONE}\s+(?:{_PLACE}|{_THING}|box){_OF_PICTURE}|annotation|box)(?:{_AROUND}))\s+"
    rf"(?:(?:clearly|mainly|mostly|also|primarily)\s+)?{_SHOWS}\s+(?=(?P<det>an?|the|two|three|some"
    r"|several|part)\s)",
    re.IGNORECASE,
)
_MASKED = re.compile(
    r"\b(?:wear\w*|worn|face|nose|mouth|head|surgical|costume|catcher|umpire|goalie|hockey|gas"
    r"|diving"
    r"|snorkel\w*|ski|carved|wooden|tribal|wall|hanging|decorat\w*|chin|eyes|medical|protective"
    r"|halloween|welding|fencing|hand|hands|strap|straps|painted)\b",
    re.IGNORECASE,
)
_DRAWN = re.compile(
    r"\b(?:letters?|lettering|text|words?|logo|numerals?|eyes|lips|windows?|sign|stripes?|design"
    r"|pattern|graphic|drawing|cartoon|mural|heart|star|petals?|tiles?|court|lines?|field|panels?"
    r"|doors?|frames?|lights?|map|print|road|lane|tattoo|shapes?|edges|numbers?"
    r"|digits?)\b[^.;,]{0,24}$",
    re.IGNORECASE,
)
_LABELLED = frozenset(
    "bottle jar box can container book package bag folder drawer file sign map crosswalk road trail"
    " path court field lane space street carton pack jug tube crate shelf bin button switch jersey"
    " pavement parking runway playing".split()
)
"""What may truly bear a label or markings, so that "the labelled bottle" stays."""
_QUALIFIED = re.compile(
    r"\b(?P<det>the|this|a|an|another)\s+(?P<word>highlighted|annotated|segmented|queried|specified"
    r"|outlined|labell?ed|marked|masked|boxed)\s+(?P<noun>[a-z]+)\b",
    re.IGNORECASE,
)
_CONTENT_FREE = frozenset(
    "the its a an it is are this that of in on at to by with and around from image picture photo"
    " object region area segment whole entire full clearly exactly closely tightly completely fully"
    " only mainly surrounds surround covers cover encloses enclose marks indicates highlights"
    " placed"
    " drawn located positioned shown written overlaid visible center centre middle bright thin"
    " thick"
    " numeric numerical bounding box boxes outline outlines contour boundary line mask masks"
    " label id"
    " ids number mark marker annotation annotations segmentation highlight red green blue yellow"
    " orange purple pink cyan magenta white black colored coloured been has have for as can be seen"
    " animal thing item body edges shape highlighted outlined marked labeled labelled annotated"
    " segmented identified identifies identify corresponds delineates delineated borders there us"
    " s upper lower half part left right top bottom side most"
    " portion helps help distinguish extends all describes boundaries digit clear unique given"
    " category".split()
)
_TALKING = re.compile(
    rf"\b(?:{_BOX}|segmentation|annotat\w+|numeric(?:al)?\s+(?:id|label)|{_LOOK}{_LINE}"
    rf"|mask\s+numbers?"
    rf"|(?:number|label|mark|marker|id)\s*(?:#?\d+\s+)?(?:\s*is\s+)?(?:placed|located|drawn"
    rf"|written|shown|positioned|"
    rf"marked|overlaid)|highlighted|(?:its|the)\s+mask|(?:label|id|marker)\s*(?::"
    rf"|\s+is)\s*#?\d+)\b",
    re.IGNORECASE,
)
_PUT_ON = re.compile(
    rf"\b(?:the|an?)\s+{_NUMERAL}(?:{_ID}|number|label|mark|marker|digit)\s+(?:#?\d+\s+)?(?:is"
    rf"|was)\s+"
    r"(?:placed|positioned|overlaid|shown|put)\s+(?:on|over|on top of|at|near|in)\s+"
    r"(?:the\s+cent(?:er|re)\s+of\s+)?(?P<on>the\s+(?P<noun>[A-Za-z]+))",
    re.IGNORECASE,
)
_ABOUT_DRAWING = re.compile(
    rf"\s*(?:(?:the|its|an?|this|that|all)\s+)?{_NUMERAL}{_LOOK}(?:{_BOX}|{_LINE}|{_ID}|mask"
    rf"|number|label"
    r"|marker|mark|annotation|highlight|segmentation|overlay)s?\b",
    re.IGNORECASE,
)
_DRAWN_WITH = re.compile(
    rf"\b(?:in|with|by|within|and)\s+(?:(?:the|its|an?)\s+)?{_LOOK}"
    rf"(?:(?:{_BOX}|{_LINE}|mask|overlay|border|colou?r|line|box|highlight)\b)?",
    re.IGNORECASE,
)
_FACTS = re.compile(
    rf"\b(?:{_COLOUR}|left|right|top|bottom|upper|lower|side|half|thin|thick|clear|visible)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[^.!?;\n]+(?:[.!?;]+|$)")


def _patterns(sources: list[str]) -> list[re.Pattern[str]]:
    return [re.compile(source, re.IGNORECASE) for source in sources]


_NOTE_PATTERNS, _OWN_PATTERNS = _patterns(_NOTES), _patterns(_OWN)
_SWAP_PATTERNS = [(re.compile(source), new) for source, new in _SWAPS]


def find_talk(
    text: str, category: str = "", is_drawn: Callable[[str], bool] | None = None
) -> list[Talk]:
    """The talk of the annotation in a text, in order.

    ``category`` is that of the caption's own segment, where it has one. ``is_drawn`` tells of a
    colour's name whether a mark may have been drawn in it; without it any may.

    >>> [(talk.start, talk.kind) for talk in find_talk("A cat outlined in red.")]
    [(6, 'note')]
    >>> find_talk("A mask on her face, and a page of highlighted text.")
    []
    """
    if not may_talk(text.lower()):
        return []
    shade = shaded(text)
    found: list[Talk] = []

    def free(talk: Talk) -> bool:
        return not any(t.start < talk.end and talk.start < t.end for t in found)

    for talk in _all_talk(shade, category, is_drawn or (lambda colour: True)):
        if free(talk):
            found.append(talk)
    return sorted(found, key=lambda talk: talk.start)


def may_talk(lower: str) -> bool:
    """Is any of the words there without which no rule applies?"""
    return any(map(lower.__contains__, _STEMS))


def _all_talk(text: str, category: str, is_drawn: Callable[[str], bool]) -> Iterator[Talk]:
    """All that may be talk, the surest and longest first."""
    yield from _empty_clauses(text, category, is_drawn)
    for match in _PUT_ON.finditer(text):
        if category and _opens_clause(text, match.start()) and fits(match.group("noun"), category):
            yield Talk(match.start(), match.start("on"), "sentence")
    for match in _SUBJECTS.finditer(text):
        if _opens_clause(text, match.start()) and not _worn(text, match.group("subject")):
            yield Talk(match.start(), match.end(), "swap")
    for pattern, new in _SWAP_PATTERNS:
        for match in pattern.finditer(text):
            yield Talk(match.start(), match.end(), "swap", match.expand(new))
    for pattern in _NOTE_PATTERNS:
        for match in pattern.finditer(text):
            if _counts(text, match, is_drawn):
                yield Talk(match.start(), match.end(), "note")
    for pattern in _OWN_PATTERNS:
        for match in pattern.finditer(text):
            yield Talk(match.start(), match.end(), "own")
    for match in _QUALIFIED.finditer(text):
        noun = match.group("noun").lower()
        borne = noun in _LABELLED and match.group("word").lower() in (
            *("labeled", "labelled", "marked", "outlined"),
        )
        if not borne and category and fits(noun, category):
            yield Talk(match.start("word"), match.start("noun"), "swap")
    if not _MASKED.search(text):
        for match in re.finditer(
            r"\b(?:in|within|inside|by|under)\s+(?:the|its)\s+mask\b", text, re.IGNORECASE
        ):
            yield Talk(match.start(), match.end(), "note")


def _worn(text: str, subject: str) -> bool:
    """Is the mask, box or outline one in the picture?"""
    last = subject.split()[-1].lower()
    if last == "mask" and "segmentation" not in subject.lower():
        return bool(_MASKED.search(text))
    return last == "box" and not re.search(r"bounding|highlighted|marked|outlined", subject, re.I)


def _counts(text: str, match: re.Match[str], is_drawn: Callable[[str], bool]) -> bool:
    """Not an outline in the picture: lettering outlined in white, a box outlined in its own."""
    said = match.group()
    if re.search(_BOX, said, re.IGNORECASE):
        return True
    if "highlighted" in said.lower():
        return not _DRAWN.search(re.split(r"[.;!?]", text[: match.start()])[-1])
    if re.search(r"\b(?:outlin|contour|border|circle|boundar|highlighted in|line|box)", said, re.I):
        clause = re.split(r"[.;!?]", text[: match.start()])[-1]
        if _DRAWN.search(clause):
            return False
        colours = re.findall(rf"\b{_COLOUR}\b", said, re.IGNORECASE)
        return not colours or any(is_drawn(colour.split()[-1].lower()) for colour in colours)
    if "mask" in said.lower() and "number" not in said.lower():
        return not _MASKED.search(text)
    return True


def _opens_clause(text: str, at: int) -> bool:
    before = text[:at].rstrip()
    return not before or before[-1] in ".!?;:\n"


def _empty_clauses(text: str, category: str, is_drawn: Callable[[str], bool]) -> Iterator[Talk]:
    """Sentences that say nothing but where a box, an outline or a number was drawn."""
    for match in _CLAUSE.finditer(text):
        said = match.group()
        if BLOT in said or not _TALKING.search(said) or not _counts(text, match, is_drawn):
            continue
        if not _ABOUT_DRAWING.match(said) and _FACTS.search(_DRAWN_WITH.sub(" ", said)):
            continue
        words = re.findall(r"[a-z]+", said.lower())
        left = [word for word in words if word not in _CONTENT_FREE]
        empty = all(category and fits(word, category) for word in left)
        bare = re.match(r"\s*(?:the|this|it)\s+\w+\s+is\s+\w+\s*$", said)
        if empty and not bare and (len(words) > 2 or ":" in said):
            yield Talk(match.start(), match.end(), "sentence")
