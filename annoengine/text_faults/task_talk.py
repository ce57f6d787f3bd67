"""Whether a caption speaks of the task: of marks, boxes, prompts and annotations.

``description_faults`` knows the forms that make an answer be asked again; here are more, which a
reader would take as a slip as well, and which only a score may follow.
"""

from __future__ import annotations

import re

from annoengine.description_faults import kind_of_fault
from annoengine.text_faults.sentences import letters_in, without_quotes

_MARKING = (
    r"(?:marked|labell?ed|numbered|tagged|annotated|denoted|indicated|identified|designated"
    r"|highlighted)"
)
_ANNOTATED = r"(?:object|region|area|segment|instance|item|mask|entity)"
_BRIGHT = r"(?:(?:bright|thin|thick|neon|glowing|light|dark|vivid) )*"
_COLOUR = r"(?:red|orange|yellow|green|blue|cyan|magenta|pink|purple|violet|mint|lime)"
_LINED = r"(?:outlined|highlighted|enclosed|marked|surrounded|delineated|circled|contoured)"
_LINE = r"(?:outlines?|contours?|boundar(?:y|ies)|lines? drawn|polygons?|masks?|overlay|highlight)"

_FORMS = (
    # References by number: "labelled 4", "object 7", "[2]", "#5", "(3)", "<1:a white dog>".
    rf"\b{_MARKING}(?: (?:with|by|as|at))?(?: (?:the|an?))?"
    r"(?: (?:numeric(?:al)?|bright|object))*(?: (?:number|id|no\.|label|mark))? ?[#\"“'‘\[(]?\d+\b"
    r"(?! ?(?:mph|km|ft|cm|m|kg|%|minutes|hours)\b)",
    rf"\b{_ANNOTATED}s?[ _]?(?:ids?|number|no\.|#)? ?[#\[(]?\d+\b(?! (?:\w+ )?(?:years?|feet|met))",
    r"[\[<(]{1,2}/?(?:region|object|mask|obj|box|seg|id)[ _-]?\d*>?[\])>]",
    r"\[\[? ?\d+(?:\.\d+)?(?: ?, ?\d+(?:\.\d+)?){0,4} ?\]?\]|<\d+ ?:|<(?:box|ref|p)>",
    r"(?:^|\s)#\d+\b|\(\d{1,3}\)",
    # The annotation itself.
    rf"\b{_MARKING} {_ANNOTATED}s?\b",
    r"\bbounding[ -]?box(?:es)?\b|\bsegmentation (?:mask|map)s?\b",
    r"\bmask (?:numbers?|ids?|region)\b",
    r"\bground(?:ed)? (?:by|to|in) the (?:mask|number|id|box)|\bset[- ]of[- ]marks?\b",
    r"\bnumeri(?:c|cal) (?:ids?|labels?|marks?|marker)\b",
    r"\b(?:the|its|an?) (?:annotations?|annotator|label id|object id|ground[- ]truth)\b",
    rf"\b{_LINED} (?:in|by|with) (?:an? |the )?{_BRIGHT}(?:(?:{_COLOUR}|white) )?{_LINE}\b",
    rf"\b(?:outlined|highlighted|circled) in {_BRIGHT}{_COLOUR}\b"
    r"(?! (?:stitch|paint|thread|trim|ink|chalk|light|neon))",
    r"\bthe (?:label|mark|marker|number|digit) (?:\w+ )?(?:is )?"
    r"(?:placed|drawn|overlaid|superimposed)\b",
    # The question.
    r"\b(?:the|this) (?:given|provided|queried|cropped|input) (?:image|picture|region|categor)",
    r"\bclose-up region\b|\b(?:as|was) (?:requested|instructed|specified)\b",
    r"\bthe (?:prompt|assistant|dataset)\b|\bthe (?:objects|interactions) include:|\bobject_id\b",
    r"\b(?:summary|description) of the object\b|\bcategory(?: is|:| of) ",
    r"\bhere (?:is|are) (?:the|a|my|your) (?:\w+ )?(?:descriptions?|captions?)\b",
)
_LEAK = re.compile("|".join(_FORMS), re.IGNORECASE)
_SIGNS = frozenset("0123456789[<#")
_CUES = frozenset(
    "marked labeled labelled numbered tagged annotated denoted indicated identified designated"
    " highlighted bounding boundingbox boundingboxes segmentation mask grounded ground numeric"
    " numerical annotation annotations annotator label id truth outlined enclosed surrounded"
    " delineated circled contoured mark marker number digit marks given provided queried cropped"
    " input region requested instructed specified prompt assistant dataset include object objects"
    " category description descriptions caption captions frame ai placed categorization"
    " categories ids".split()
)
"""Each form of a leak holds one of these, or one of the signs."""


def leaks_task(text: str) -> bool:
    """Does a caption speak of its marks, of boxes, or of what was asked?

    Words in quotation marks do not count. A number that a thing carries is none of this.

    >>> leaks_task("The person labelled 4 holds a cup."), leaks_task("The plate is labelled Ford.")
    (True, False)
    >>> leaks_task("A scene with various labeled regions."), leaks_task("A jersey with number 10.")
    (True, False)
    """
    if _CUES.isdisjoint(letters_in(text)) and _SIGNS.isdisjoint(text):
        return False
    return kind_of_fault(text) == "leak" or bool(_LEAK.search(without_quotes(text)))
