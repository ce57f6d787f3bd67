"""Tests all that captions of one image state: one call, whatever kinds of statements there are.

Each kind has a module of its own that finds its statements and tests them; here they meet, so that
a caption is parsed once and its noun phrases are resolved once for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.baseline.region_facts import Scene, measure_record
from annoengine.claims.caption_claim import Statement
from annoengine.claims.caption_reading import CaptionReading
from annoengine.claims.colour_claims import colour_statements
from annoengine.claims.colour_evidence import PhotoColours
from annoengine.claims.contact_claims import contact_statements
from annoengine.claims.count_claims import count_statements
from annoengine.claims.grounded_words import grounded_words
from annoengine.claims.mended_parse import mended
from annoengine.claims.mention_choice import chosen
from annoengine.claims.mentions import mentions_of
from annoengine.claims.order_claims import order_statements
from annoengine.claims.place_claims import place_statements
from annoengine.claims.relation_claims import relation_statements
from annoengine.claims.size_claims import size_statements
from annoengine.language.parsed import Parsed
from annoengine.language.parser import DEFAULT_MODEL, parser_of
from annoengine.mask import RecordFiles
from annoengine.record import Record, Span

VERSION = 3
"""Goes up with any change of what is found in some caption, or of a verdict."""

_KINDS = (
    place_statements,
    order_statements,
    size_statements,
    count_statements,
    relation_statements,
    contact_statements,
)


def statements_of(
    scene: Scene,
    captions: Sequence[tuple[Parsed, int | None]],
    photo: PhotoColours,
    spans: Sequence[Sequence[Span]] = (),
) -> list[list[Statement]]:
    """The statements of each caption, by their place in it, tested on the scene.

    ``captions``: each parsed, with the segment that it describes, None for the whole image;
    ``photo``: the colours of the same record; ``spans``: for each caption its grounded phrases,
    where it has any: what is said of them is tested against their segments. Raises KeyError for
    a caption of a segment that the scene does not have.
    """
    found = []
    for place, (read, own) in enumerate(captions):
        parsed = mended(read)
        grounded = grounded_words(parsed, spans[place]) if spans else None
        mentions = mentions_of(parsed, scene, own, grounded)
        mentions = chosen(CaptionReading(parsed, mentions, scene, own), mentions)
        statements = [one for kind in _KINDS for one in kind(parsed, mentions, scene, own)]
        statements += colour_statements(parsed, mentions, scene, photo, own)
        statements.sort(key=lambda one: (one.start, one.end, one.kind, one.says))
        found.append(list(dict.fromkeys(statements)))
    return found


def statements_of_record(
    files: RecordFiles, line: bytes, language: str = DEFAULT_MODEL
) -> list[list[Statement]]:
    """The statements of each caption of a record, given as its line of JSON.

    Raises InputError where a file cannot be used or the language model is not installed.
    """
    record = Record.from_line(line)
    if not record.captions:
        return []
    scene = measure_record(files, record)
    parsed = parser_of(language).parse_all([caption.text for caption in record.captions])
    owners = [caption.segment for caption in record.captions]
    photo = PhotoColours(files, record)
    spans = [caption.spans for caption in record.captions]
    return statements_of(scene, list(zip(parsed, owners, strict=True)), photo, spans)
