"""Reads the content of captions with boxes by rule: an embedded stand-in for a text model.

It needs spaCy's small English model and nothing else, so that PancapScore runs offline and at no
cost. It is no such model: it knows the forms in which panoptic captions give boxes, adjectives,
predicates and prepositions, and passes over what it does not know. Scores that rest on it must be
named as such and never be set beside published ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from annoengine.language.parsed import Parsed
from annoengine.language.parser import DEFAULT_MODEL, model_version, parser_of
from annoengine.pancap.caption_boxes import BoxFault, CaptionBox, find_boxes
from annoengine.pancap.content import Content, Entity, Location
from annoengine.pancap.embedded_entities import Entities, entities_of
from annoengine.pancap.embedded_globals import global_states
from annoengine.pancap.embedded_phrases import heads_of_slots, phrase_start, with_verbs
from annoengine.pancap.embedded_statements import Statements
from annoengine.pancap.embedded_text import PlainCaption, plain_caption

RULES = 1
"""Rises with every change of what is extracted."""


@dataclass(frozen=True)
class TiedBox:
    """A box and the phrase that it was tied to, ``caption[start:end]``; entity 0: to none."""

    box: CaptionBox
    start: int
    end: int
    entity: int


@dataclass(frozen=True)
class Extracted:
    """The content of one caption, and where each of its boxes belongs."""

    content: Content
    boxes: tuple[TiedBox, ...]
    faults: tuple[BoxFault, ...]


def extractor_version(model: str = DEFAULT_MODEL) -> str:
    """For fingerprints: the rules, and the spaCy model that they rest on."""
    return f"embedded extractor {RULES}, {model_version(model)}"


def extract(
    caption: str, size_wh: tuple[int, int] | None = None, model: str = DEFAULT_MODEL
) -> Extracted:
    """The content of one caption. ``size_wh``: the image's, for boxes in pixels."""
    return extract_all([caption], [size_wh], model)[0]


def extract_all(
    captions: Sequence[str],
    sizes_wh: Sequence[tuple[int, int] | None] | None = None,
    model: str = DEFAULT_MODEL,
) -> list[Extracted]:
    """The content of each caption, parsed in one go."""
    sizes = sizes_wh if sizes_wh is not None else [None] * len(captions)
    found = [find_boxes(text, size) for text, size in zip(captions, sizes, strict=True)]
    plain = [plain_caption(text, one.boxes) for text, one in zip(captions, found, strict=True)]
    parsed = parser_of(model).parse_all([one.text for one in plain])
    return [
        _extracted(one, with_verbs(sentence, one.slots), boxes.faults)
        for one, sentence, boxes in zip(plain, parsed, found, strict=True)
    ]


def _extracted(plain: PlainCaption, parsed: Parsed, faults: tuple[BoxFault, ...]) -> Extracted:
    heads = heads_of_slots(parsed, plain.slots)
    boxes: dict[int, list[tuple[float, float, float, float]]] = {}
    partners: dict[int, int] = {}
    headings: set[int] = set()
    for slot, words in zip(plain.slots, heads, strict=True):
        if words:
            boxes.setdefault(words[-1], []).append(slot.box.box)
            partners.update((word, words[-1]) for word in words[:-1])
            headings |= {words[-1]} if slot.heading else set()
    entities = entities_of(parsed, boxes, partners, headings)
    number = {id(one): n for n, one in enumerate(entities.found, 1)}
    ids = {
        word: tuple(number[id(one)] for one in named if id(one) in number)
        for word, named in entities.of_word.items()
    }
    said = Statements(parsed, {word: named for word, named in ids.items() if named})
    content = Content(
        tuple(Entity(n, one.tag, one.part) for n, one in enumerate(entities.found, 1)),
        tuple(Location(n, box) for n, one in enumerate(entities.found, 1) for box in one.boxes),
        tuple(said.attributes),
        tuple(said.relations),
        global_states(parsed, ids),
    )
    tied = tuple(
        _tied(plain, parsed, words, slot.box, entities, number)
        for slot, words in zip(plain.slots, heads, strict=True)
    )
    return Extracted(content, tied, faults)


def _tied(
    plain: PlainCaption,
    parsed: Parsed,
    words: tuple[int, ...],
    box: CaptionBox,
    entities: Entities,
    number: dict[int, int],
) -> TiedBox:
    if not words:
        return TiedBox(box, box.start, box.start, 0)
    named = entities.of_word.get(words[-1], ())
    holders = [one for one in named if box.box in one.boxes]
    start = parsed.tokens[phrase_start(parsed, words[0])].start
    end = parsed.tokens[words[-1]].end
    origin = plain.origin
    entity = number[id(holders[0])] if holders else 0
    return TiedBox(box, origin[start], origin[end - 1] + 1, entity)
