"""The kinds of findings about a grounded caption's tags, their ids, and whose they are."""

from __future__ import annotations

import re

from annoengine.grounded.tag_faults import TagFault
from annoengine.validator import Code

TAG_SPACES = Code(
    "tag-spaces", "note", "tags with a space too many or too few, which readers allow"
)
TAG_IDS_SPACED = Code(
    "tag-ids-spaced", "warning", "tags with spaces at their ids, which some readers refuse", True
)
_OF_KIND = {
    "id_form": Code("tag-id-form", "error", "tags whose ids are no numbers with commas", True),
    "range": Code("tag-range", "error", "tags that name a range of ids", True),
    "repeated_id": Code("tag-id-repeated", "warning", "tags that name an id twice", True),
    "no_colon": Code("tag-without-colon", "error", "tags without a colon behind their ids", True),
    "early_close": Code(
        "tag-closed-early", "error", "tags that are closed before their phrase ends", True
    ),
    "nested": Code("tag-nested", "error", "tags with another tag in them", True),
    "doubled_bracket": Code("tag-bracket-doubled", "error", "tags with a bracket twice", True),
    "other_brackets": Code("tag-other-brackets", "error", "tags in other brackets", True),
    "entities": Code("tag-entities", "error", "tags written with HTML entities", True),
    "wide_characters": Code(
        "tag-wide-characters", "error", "tags written with fullwidth characters", True
    ),
    "line_break": Code("tag-line-break", "warning", "tags with a line break in them", True),
    "markup": Code("tag-markup", "warning", "markup in or around tags", True),
    "unclosed": Code("tag-unclosed", "error", "tags that are never closed"),
    "empty_phrase": Code("tag-phrase-empty", "error", "tags with no phrase"),
    "bare_id": Code("tag-id-bare", "error", "ids in brackets without a phrase"),
    "no_id": Code("tag-without-id", "error", "brackets around words without an id"),
    "huge_id": Code("tag-id-huge", "error", "ids that no segment can have"),
    "stray_bracket": Code("bracket-stray", "error", "brackets that belong to no tag"),
    "glued_number": Code(
        "tag-number-glued", "error", "tags with a number stuck to their phrase", True
    ),
}
"""Of each kind of fault of form, fixable where one reading is left."""

CAPTION_UNTAGGED = Code("caption-untagged", "error", "captions without a tag")
IDS_FROM_ZERO = Code("ids-count-from-0", "error", "captions whose ids are all one too low", True)
IDS_FROM_TWO = Code("ids-count-from-2", "error", "captions whose ids are all one too high", True)
IDS_UNDETERMINED = Code(
    "ids-undetermined", "warning", "captions of which it cannot be told from where their ids count"
)
ID_VOID = Code("id-void", "error", "phrases tagged with 0, which stands for void")
ID_UNKNOWN = Code("id-unknown", "error", "phrases tagged with ids that the image does not have")
ID_CATEGORY = Code(
    "id-of-other-category", "warning", "phrases tagged with a thing they do not name"
)
GROUP_CATEGORY = Code(
    "group-of-other-category", "warning", "phrases of which some ids are of things they do not name"
)
ID_WITHOUT_PIXELS = Code(
    "id-without-pixels", "error", "phrases tagged with segments that the PNG does not have"
)
COUNT_DIFFERS = Code("count-differs", "note", "phrases that speak of another number than tagged")
OTHER_IMAGE = Code(
    "caption-fits-another-image", "warning", "captions that hardly fit a segment of their image"
)

OF_FORM = (*_OF_KIND.values(), TAG_IDS_SPACED, TAG_SPACES)
"""The kinds that are about a tag alone, whatever its ids are."""

CODES = (
    CAPTION_UNTAGGED,
    *OF_FORM,
    IDS_FROM_ZERO,
    IDS_FROM_TWO,
    IDS_UNDETERMINED,
    ID_VOID,
    ID_UNKNOWN,
    ID_WITHOUT_PIXELS,
    ID_CATEGORY,
    GROUP_CATEGORY,
    OTHER_IMAGE,
    COUNT_DIFFERS,
)

OF_JUDGEMENT = {
    "void": ID_VOID,
    "unknown_id": ID_UNKNOWN,
    "category": ID_CATEGORY,
    "group": GROUP_CATEGORY,
    "count": COUNT_DIFFERS,
}
"""Of each kind of fault and doubt about ids (``annoengine.grounded.judging``)."""

_CLOSE_IDS = re.compile(r"<\d+(?:,\d+)*:")


def code_of_tag(fault: TagFault) -> Code:
    """The code of a fault of form.

    >>> code_of_tag(TagFault("spaces", 0, "<1:a dog>", True)).name
    'tag-spaces'
    >>> code_of_tag(TagFault("spaces", 0, "<1, 2: dogs>", True)).name
    'tag-ids-spaced'
    """
    if fault.kind == "spaces":
        return TAG_SPACES if _CLOSE_IDS.match(fault.words) else TAG_IDS_SPACED
    return _OF_KIND[fault.kind]
