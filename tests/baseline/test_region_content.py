"""What a composed caption says: each statement is true, and each that was made is there, once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from annoengine.baseline.claim import Statement
from annoengine.baseline.region_claims import claims_of
from annoengine.baseline.region_content import content_merged, content_said
from annoengine.baseline.region_english import describe, describe_by_sentence, text_of
from annoengine.baseline.region_facts import measure_record
from annoengine.baseline.region_phrases import Wording
from annoengine.grounded.region_captions import CaptionedRegion, captioned_regions
from annoengine.grounded.scene_paragraph import counts_of, scene_paragraph
from annoengine.record import Caption, Origin
from tests.pancap.composed import LEFT, RIGHT, SKY, drawn
from tests.pixels.scenes import Made, make
from tests.pixels.sentences import Reader, Said
from tests.pixels.truth import Truth

SCENES = 24
ROOM = 100_000
CUPS = (RIGHT, SKY, LEFT)


def composed(made: Made, words: int = ROOM) -> tuple[tuple[int, ...], str]:
    """The segments that a caption speaks of, and the caption."""
    ids = tuple(s.id for s in made.record.segments if not s.iscrowd)
    regions, _ = describe(
        measure_record(made.files, made.record), made.record.id, {id: id for id in ids}
    )
    told = [
        CaptionedRegion(r.mark, made.record.segment(r.mark), r.summary, r.description)
        for r in regions
    ]
    return ids, scene_paragraph(told, counts_of(made.record), words).text


def read(reader: Reader, truth: Truth, statement: Statement) -> list[Said]:
    noun = truth.by_id[statement.segments[0]].noun
    text = statement.text.replace("has some", "with some")
    behind = " the other" if len(statement.segments) == 2 else ""
    return reader.sentence(f"It {text}{behind}.", noun)


def meaning(said: Said) -> list[tuple[str, object]]:
    """A statement whatever the words: one about three as two about two."""
    if said.kind != "between":
        return [(said.kind, said.value)]
    first, second = ("right", "left") if said.value[0] == "across" else ("below", "above")
    return [("direction", (first,)), ("direction", (second,))]


def test_statements_are_true_and_they_are_what_the_texts_say(tmp_path: Path) -> None:
    """Read and judged by code that shares nothing with what is tested; see ``tests/pixels``."""
    kinds: Counter[str] = Counter()
    for seed in range(SCENES):
        made = make(seed, tmp_path)
        truth = Truth(made.photo, made.things)
        reader = Reader({segment.category.name for segment in made.record.segments})
        ids, text = composed(made)
        statements = content_said(made.files, made.record.to_line(), ids, text, ROOM)
        assert statements is not None
        assert len(set(statements)) == len(statements)
        found: dict[int, set[tuple[str, object]]] = {id: set() for id in ids}
        for statement in statements:
            (said,) = read(reader, truth, statement)
            kinds[said.kind] += 1
            others = statement.segments[1:]
            assert truth.holds(statement.segments[0], said, others or None), statement
            found[statement.segments[0]].update(meaning(said))
        regions, _ = describe(
            measure_record(made.files, made.record), made.record.id, {id: id for id in ids}
        )
        for region in regions:
            sentences = reader.description(region.description, truth.by_id[region.mark].noun)
            told = {one for said in sentences for one in meaning(said)}
            assert found[region.mark] == told, region.description
    assert len(kinds) > 15


def test_a_caption_of_few_words_says_no_more_than_stands_in_it(tmp_path: Path) -> None:
    """The cups' and the sky's first sentences stand in any caption, the others where there is
    room."""
    files, record = drawn(tmp_path)
    made = Made(record, files, None, ())  # type: ignore[arg-type]
    first = {
        Statement((RIGHT,), "is the rightmost cup"),
        Statement((RIGHT,), "is almost entirely white"),
        Statement((LEFT,), "is the leftmost cup"),
        Statement((LEFT,), "is almost entirely red"),
        Statement((SKY,), "is almost entirely blue"),
        Statement((SKY,), "is rectangular"),
    }
    ids, text = composed(made, words=31)
    assert text == (
        "The image shows two cups and the sky. The rightmost cup is almost entirely white. The "
        "leftmost cup is almost entirely red. The sky is almost entirely blue and roughly "
        "rectangular."
    )
    said = content_said(files, record.to_line(), ids, text, 31)
    assert said is not None
    assert set(said) == first
    # No room for the sentences of the cups, which are the smallest.
    ids, text = composed(made, words=18)
    assert text == (
        "The image shows two cups and the sky. The sky is almost entirely blue and roughly "
        "rectangular."
    )
    said = content_said(files, record.to_line(), ids, text, 18)
    assert said == (
        Statement((SKY,), "is almost entirely blue"),
        Statement((SKY,), "is rectangular"),
    )


def test_a_text_that_is_not_the_composed_one_has_no_content(tmp_path: Path) -> None:
    files, record = drawn(tmp_path)
    _, text = composed(Made(record, files, None, ()))  # type: ignore[arg-type]
    line = record.to_line()
    assert content_said(files, line, CUPS, text, ROOM)
    assert content_said(files, line, CUPS, text.replace("white", "green"), ROOM) is None
    assert content_said(files, line, CUPS[:2], text, ROOM) is None


def test_a_paragraph_of_region_captions_says_what_they_say(tmp_path: Path) -> None:
    made = make(7, tmp_path)
    marks = {mark.number: mark.segment for mark in made.record.marks}
    regions, _ = describe(measure_record(made.files, made.record), made.record.id, marks)
    origin = Origin(stage="annotate", model="pixels/1")
    captions = tuple(
        Caption(text=r.description, segment=marks[r.mark], summary=r.summary, origin=origin)
        for r in regions
    )
    record = made.record.but(captions=captions)
    text = scene_paragraph(captioned_regions(record), counts_of(record), ROOM).text
    statements = content_merged(made.files, record.to_line(), text, ROOM)
    assert statements is not None
    assert {s.segments[0] for s in statements} == set(marks.values())
    # One that somebody else wrote is not known by heart.
    other = record.but(captions=(captions[0].but(text="A thing."), *captions[1:]))
    text = scene_paragraph(captioned_regions(other), counts_of(other), ROOM).text
    assert content_merged(made.files, other.to_line(), text, ROOM) is None
    unmarked = record.but(marks=record.marks[1:])
    assert content_merged(made.files, unmarked.to_line(), text, ROOM) is None


def test_the_sentences_of_a_description_are_its_text(tmp_path: Path) -> None:
    made = make(5, tmp_path)
    scene = measure_record(made.files, made.record)
    marks = {mark.number: mark.segment for mark in made.record.marks}
    regions, _ = describe(scene, "a/b/1", marks)
    by_sentence = describe_by_sentence(Wording(scene, claims_of(scene)), "a/b/1", marks)
    assert {r.mark: r.description for r in regions} == {
        n: text_of(said) for n, said in by_sentence.items()
    }
    # Nothing is claimed twice, and no sentence claims nothing.
    for number, said in by_sentence.items():
        claims = [claim for sentence in said for claim in sentence.claims]
        assert len(set(claims)) == len(claims)
        assert all(sentence.claims for sentence in said)
        assert {claim.segment for claim in claims} == {marks[number]}
