"""Marks, talk of the annotation and dangling words go; facts and real numbers stay."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from annoengine.language.parsed import Parsed
from annoengine.language.parser import parser_of
from annoengine.record import Caption, Record, Relation
from annoengine.rewriting.rules import (
    Rewritten,
    has_trigger,
    may_change,
    rewrite_captions,
    rewrite_relations,
)
from tests.rewriting.innocent import INNOCENT
from tests.rewriting.planted import NATURAL, PLANTS, THINGS, Planted, plant_all
from tests.rewriting.small_records import make_record, scene_of
from tests.rewriting.worked import THINGS as WORKED_THINGS
from tests.rewriting.worked import WORKED

COUNT = 310
"""Five turns of the 62 plants; each meets five natural captions."""

Rows = Sequence[tuple[int | None, str]]


def rewrite(
    things: Sequence[tuple[str, tuple[float, float, float, float]]], rows: Rows
) -> list[Rewritten]:
    """The captions rewritten, in a record of these things."""
    record = make_record(things, rows)
    return list(rewrite_captions(record, scene_of(record), parser_of().parse_all).values())


def in_row(names: Sequence[str], rows: Rows) -> list[Rewritten]:
    """The same, with the things side by side from left to right."""
    return rewrite([(n, (9 * i, 10, 9 * i + 7, 60)) for i, n in enumerate(names)], rows)


@pytest.fixture(scope="module")
def planted() -> list[tuple[Planted, Rewritten]]:
    """All planted captions with what the rules made of them."""
    found = list(plant_all(COUNT))
    return list(
        zip(found, rewrite(THINGS, [(p.natural.number, p.text) for p in found]), strict=True)
    )


@pytest.mark.parametrize(("own", "text", "new"), WORKED)
def test_worked_cases(own: int | None, text: str, new: str) -> None:
    [rewritten] = rewrite(WORKED_THINGS, [(own, text)])
    assert rewritten.text == new
    assert rewritten.changed is (text != new)


DRAWING_WORDS = re.compile(
    r"\b(?:bounding|box|boxes|outlin\w+|highlight\w*|annotat\w+|mask\w*|label\w*|mark\w*|segment\w*"
    r"|regions?|areas?|ids?|numeric|numbers?|objects?|no|tagged|grounded|identified|indicated)\b"
    r"|[#\[\]<>]|\d",
    re.IGNORECASE,
)
"""What a second reader looks for, who knows no grammar: words of drawing, digits, brackets."""

REFERRING = frozenset(
    "the other one two three of and person people dog dogs cup cups car bus bench bicycle umbrella"
    " grass trees dining table on left right in middle leftmost rightmost topmost lowest from"
    " second"
    " man men woman women boy boys first third next to these this is".split()
)
"""The words that a name for another segment may bring into a caption of this record."""


def words(text: str) -> Counter[str]:
    """The words of a text in lower case, counted."""
    return Counter(re.findall(r"[\w-]+", text.lower()))


def test_the_plants_are_as_many_and_as_different_as_they_should_be() -> None:
    assert len(NATURAL) >= 60
    assert len(PLANTS) >= 40
    found = list(plant_all(COUNT))
    assert len({p.text for p in found}) >= 300
    assert {p.plant for p in found} == set(PLANTS)
    assert {p.natural for p in found} == set(NATURAL)
    told = [p for p in found if not leftovers(p.text, p.natural.text)]
    assert told == []


def leftovers(text: str, natural: str) -> list[str]:
    """What the second reader finds in a text that the natural caption does not have."""
    known = words(natural)
    return [found for found in DRAWING_WORDS.findall(text) if found.lower() not in known]


def test_no_planted_caption_keeps_a_mark_or_talk(planted: list[tuple[Planted, Rewritten]]) -> None:
    kept = [(p.text, new.text) for p, new in planted if leftovers(new.text, p.natural.text)]
    assert kept == []


def test_no_planted_caption_loses_a_word_of_its_own(
    planted: list[tuple[Planted, Rewritten]],
) -> None:
    lost = [
        (p.text, new.text, words(p.natural.text) - words(new.text))
        for p, new in planted
        if words(p.natural.text) - words(new.text)
    ]
    assert lost == []


def test_no_planted_caption_gains_but_names_and_the_words_of_its_plant(
    planted: list[tuple[Planted, Rewritten]],
) -> None:
    gained = []
    for p, new in planted:
        allowed = {*REFERRING, *words(p.text)}
        strange = [word for word in words(new.text) if word not in allowed and word != "s"]
        strange = [word for word in strange if not word.startswith(("leftmost", "rightmost"))]
        if strange:
            gained.append((new.text, strange))
    assert gained == []


def test_planted_captions_are_sentences(planted: list[tuple[Planted, Rewritten]]) -> None:
    for p, new in planted:
        assert new.text[0].isupper(), new.text
        assert new.text.endswith("."), new.text
        assert not re.search(r"  |\s[,.;]|,,|,\.|\.\.|\(\)|\ba [aeio]\w|\band\.|^\W", new.text), (
            new.text
        )
        assert not new.unresolved, (p.text, new.unresolved)


def test_rewriting_twice_is_rewriting_once(planted: list[tuple[Planted, Rewritten]]) -> None:
    rows: Rows = [(p.natural.number, new.text) for p, new in planted]
    assert [again.text for again in rewrite(THINGS, rows)] == [text for _, text in rows]
    worked: Rows = [(own, new) for own, _, new in WORKED]
    assert [again.text for again in rewrite(WORKED_THINGS, worked)] == [new for _, new in worked]


def test_edits_lead_from_the_old_text_to_the_new(planted: list[tuple[Planted, Rewritten]]) -> None:
    for p, new in planted:
        text = p.text
        for edit in reversed(new.edits):
            text = text[: edit.start] + edit.new + text[edit.end :]
        assert text == new.text


def test_heaps_of_words_come_through_whole() -> None:
    """No order of words breaks a rule: edits replay, and a second turn changes nothing."""
    rng = Random(3)
    told = [p.text.split() for p in plant_all(COUNT)]
    heap = [" ".join(t[at : at + 4]) for t in told for at in range(0, len(t), 3)]
    heap += ["object", "(2)", "[3]", "#4", "marked", "is", "and", ",", ".", "it", "<5:", ">", "\n"]
    rows: Rows = [
        (rng.choice([None, 1, 3, 7, 11]), " ".join(rng.choices(heap, k=rng.randint(0, 7))))
        for _ in range(400)
    ]
    found = rewrite(THINGS, rows)
    assert sum(new.changed for new in found) > 100
    for (_, text), new in zip(rows, found, strict=True):
        for edit in reversed(new.edits):
            text = text[: edit.start] + edit.new + text[edit.end :]
        assert text == new.text
    again = rewrite(THINGS, [(own, new.text) for (own, _), new in zip(rows, found, strict=True)])
    assert [new.text for new in again] == [new.text for new in found]


def test_look_alikes_come_back_byte_for_byte() -> None:
    assert len(INNOCENT) >= 60
    for (_, text), new in zip(INNOCENT, rewrite(THINGS, INNOCENT), strict=True):
        assert (new.text, new.edits, new.unresolved) == (text, (), ())


def test_captions_without_a_trigger_are_never_parsed() -> None:
    def refuse(texts: Sequence[str]) -> list[Parsed]:
        raise AssertionError(f"parsed {texts!r}")

    record = make_record(THINGS, [(n.number, n.text) for n in NATURAL])
    found = rewrite_captions(record, None, refuse)
    assert [found[i].text for i in sorted(found)] == [n.text for n in NATURAL]
    assert not any(new.changed for new in found.values())
    assert not has_trigger("A brown dog lies on the grass.")
    assert not may_change(make_record(THINGS, [(1, "A brown dog lies on the grass.")]))
    assert may_change(make_record(THINGS, [(1, "A dog by object 2.")]))


def test_a_record_is_parsed_once_and_only_where_verbs_may_change() -> None:
    asked: list[list[str]] = []

    def parse(texts: Sequence[str]) -> list[Parsed]:
        asked.append(list(texts))
        return parser_of().parse_all(texts)

    record = make_record(
        THINGS,
        [(11, "Object 11 has green leaves."), (1, "A dog (1)."), (12, "Region 11 is tall.")],
    )
    found = rewrite_captions(record, scene_of(record), parse)
    assert asked == [["The trees has green leaves.", "The trees is tall."]]
    assert [new.text for new in found.values()] == [
        "The trees have green leaves.",
        "A dog.",
        "The trees are tall.",
    ]


def test_summaries_become_titles_and_relations_name_both() -> None:
    record = make_record(THINGS, [(1, "A dog."), (3, "A man."), (7, "A bus.")])
    captions = tuple(
        Caption(text=c.text, segment=c.segment, summary=summary, origin=c.origin)
        for c, summary in zip(
            record.captions, ("Dog 1", "The person (object 3)", "Another bus"), strict=True
        )
    )
    relations = (
        Relation(
            segments=(101, 103),
            text="Object 1 is sitting in front of object 3.",
            origin=captions[0].origin,
        ),
        Relation(segments=(101, 102), text="The dogs play.", origin=captions[0].origin),
    )
    record = record.but(captions=captions, relations=relations)
    found = rewrite_captions(record, scene_of(record), parser_of().parse_all)
    assert [new.summary for new in found.values()] == ["Dog", "Person", "A bus"]
    assert (bool(found[0].summary_edits), found[0].edits, found[0].changed) == (True, (), True)
    told = rewrite_relations(record, scene_of(record), parser_of().parse_all)
    assert told[0].text == "The dog on the left is sitting in front of the leftmost person."
    assert (told[1].text, told[1].changed) == ("The dogs play.", False)


def test_without_a_scene_categories_alone_tell_apart() -> None:
    record = make_record(
        THINGS,
        [(1, "A dog beside object 2."), (6, "A car near object 3 and object 7."), (6, "By #1.")],
    )
    found = rewrite_captions(record, None, parser_of().parse_all)
    assert [new.text for new in found.values()] == [
        "A dog beside the other dog.",
        "A car near one of the people and the bus.",
        "By one of the dogs.",
    ]


def test_numbers_that_no_mark_has() -> None:
    things = ("cup", "cup", "dining table")
    texts = (
        "A cup next to object 9.",
        "A cup (object 9) on a table.",
        "A cup on shelf 9 of 12.",
        "A cup from 1999 [8].",
        "A cup beside objects 2 and 9.",
    )
    found = in_row(things, [(1, text) for text in texts])
    missing = "mark {}, which the image does not have"
    assert [(new.text, new.unresolved) for new in found] == [
        ("A cup next to another object.", (missing.format(9),)),
        ("A cup on a table.", (missing.format(9),)),
        ("A cup on shelf 9 of 12.", ()),
        ("A cup from 1999.", (missing.format(8),)),
        ("A cup beside the other cup.", (missing.format(9),)),
    ]


def test_what_cannot_be_said_alone_is_told() -> None:
    found = in_row(
        ("cup", "bus"), [(1, "This cup is larger."), (1, "Similar in size to it, a cup.")]
    )
    assert [new.unresolved for new in found] == [("larger than what",), ("it",)]
    assert not any(new.changed for new in found)


def test_an_outline_of_another_colour_than_the_mark_is_the_things_own() -> None:
    text = "A bench outlined in white, highlighted in the image."
    things = [("bench", (10.0, 10.0, 30.0, 30.0))]
    blue = make_record(things, [(1, text)], colour="#0000FF")
    white = make_record(things, [(1, text)], colour="#FFFFFF")
    unknown = make_record(things, [(1, text)], colour="own")
    texts = [
        rewrite_captions(record, None, parser_of().parse_all)[0].text
        for record in (blue, white, unknown)
    ]
    assert texts == ["A bench outlined in white.", "A bench.", "A bench."]


TABLE_7 = (
    # arXiv 2501.13893, Table 7: what GPT-4V wrote and the pipeline kept.
    (
        "cup",
        "Another glass cup filled with orange jam or marmalade but slightly smaller in size.",
        "A glass cup filled with orange jam or marmalade but slightly smaller in size.",
        ("smaller than what",),
    ),
    (
        "orange",
        "Positioned next to this whole uncut orange has a bright color indicating ripeness.",
        None,
        (),
    ),
    (
        "orange",
        "This is a half-sliced orange with juicy pulp visible, placed on the white cloth of"
        " the dining table.",
        None,
        (),
    ),
    (
        "orange",
        "A whole uncut orange sitting next to another one, both are positioned at the top"
        " right corner of the image.",
        None,
        (),
    ),
    (
        "dining table",
        "The dining table is covered with a white cloth, and various items are placed"
        " on it, including cups of orange jam, slices of oranges, and a knife.",
        None,
        (),
    ),
    (
        "grass-merged",
        "The grass is lush and green , covering the ground uniformly. It appears"
        " well-maintained and provides a natural base for the other objects in the image.",
        None,
        (),
    ),
    (
        "tree-merged",
        "The trees are in the background, their outlines slightly blurred but still"
        " visible. They stand tall and provide a contrasting dark green backdrop to the bright"
        " foreground.",
        None,
        (),
    ),
    (
        "cow",
        "This cow is larger, with a white body adorned with large black spots. It's standing"
        " upright and appears healthy and well-fed.",
        None,
        ("larger than what",),
    ),
    (
        "cow",
        "This smaller cow has similar coloring to it but is distinguished by its size and"
        " posture - it's head is down, suggesting it might be grazing.",
        "This smaller cow has similar coloring to another cow but is distinguished by its size and"
        " posture - it's head is down, suggesting it might be grazing.",
        (),
    ),
    (
        "baseball glove",
        "The glove is tan and well-worn, with dark brown lacing. It's open and"
        " appears to be in the act of catching a ball.",
        None,
        (),
    ),
    (
        "bottle",
        "A dark bottle with a label is visible to the right of the microwave, standing on"
        " the same surface as the microwave.",
        None,
        (),
    ),
    # arXiv 2501.13893, Table 8: what the trained model learnt from such captions.
    (
        "person",
        "another person in blue attire appears engaged in an activity near the bench.",
        "a person in blue attire appears engaged in an activity near the bench.",
        (),
    ),
    (
        "potted plant",
        "a potted plant sits atop a ledge near the stairs. its leaves are vibrant"
        " green, and it adds a touch of nature to the urban setting.",
        None,
        (),
    ),
    (
        "sky-other-merged",
        "the sky is overcast, with a greyish hue indicating possibly cloudy weather conditions.",
        None,
        (),
    ),
    # arXiv 2502.02589, Fig. 11 to 13: region captions by COCONut-PanCap and captions by GPT-4V.
    (
        "giraffe",
        "another giraffe, also with distinctive brown spots and yellow patterns",
        "a giraffe, with distinctive brown spots and yellow patterns",
        (),
    ),
    (
        None,
        "Together, the scene captures a moment of playful interaction, grounded by the mask"
        " numbers for clarity and detail.",
        "Together, the scene captures a moment of playful interaction.",
        (),
    ),
    (
        None,
        "The image highlights <1:a white dog>, standing on the <2:lush green grass>, exuding a"
        " lively demeanor.",
        "The image highlights a white dog, standing on the lush green grass, exuding a lively"
        " demeanor.",
        (),
    ),
    (
        None,
        'The frisbee, labeled with "Skimmer Competition," is slightly chewed, indicating the'
        " dog's enthusiasm for play and activity.",
        None,
        (),
    ),
    (
        None,
        "The untouched white snow is marked only by the skier's tracks and a winding trail that"
        " leads into the distance.",
        None,
        (),
    ),
)


@pytest.mark.parametrize(("category", "text", "new", "unresolved"), TABLE_7)
def test_captions_printed_in_the_papers(
    category: str | None, text: str, new: str | None, unresolved: tuple[str, ...]
) -> None:
    things = ("dog", "frisbee", *(3 * [category] if category else []))
    [found] = in_row(things, [(3 if category else None, text)])
    assert (found.text, found.unresolved) == (new or text, unresolved)


@pytest.mark.check_data
def test_published_panoptic_captions_keep_their_boxes(coco_sample: Path) -> None:
    listed = json.loads((coco_sample.parent / "sa_pancap_captions.json").read_text())
    texts = [one["gt_response"] for one in listed]
    assert len(texts) == 4
    found = in_row(("person", "person", "flower"), [(None, text) for text in texts])
    assert [new.text for new in found] == texts
    assert not any(new.unresolved for new in found)
    # Their paragraphs taken for captions of single segments say what they said as well.
    parts = [part for text in texts for part in text.split("\n") if part.strip()]
    for part, new in zip(parts, in_row(("flower",), [(1, part) for part in parts]), strict=True):
        assert new.text == part


def test_an_empty_record_has_nothing_to_rewrite() -> None:
    record: Record = make_record((), ())
    assert rewrite_captions(record, None, parser_of().parse_all) == {}
