"""Verbs taken for nouns are verbs; an inverted sentence is about what ends it; sound ones stay."""

from __future__ import annotations

import pytest

from annoengine.baseline.region_facts import Scene
from annoengine.claims.caption_reading import CaptionReading
from annoengine.claims.mended_parse import mended
from annoengine.claims.mention_choice import chosen
from annoengine.claims.mention_grammar import first_subject, subject_of
from annoengine.claims.mentions import mentions_of
from annoengine.claims.order_claims import order_statements
from annoengine.claims.relation_claims import relation_statements
from annoengine.claims.size_claims import size_statements
from annoengine.language.parsed import Parsed
from annoengine.language.parser import parser_of
from tests.claims.hand_made import parse, region, scene
from tests.claims.label_table import SECOND, read_labels


@pytest.mark.parametrize(
    ("text", "subject", "verb", "phrase"),
    [
        (
            "A smiling astronaut in a green spacesuit poses for an official portrait.",
            "astronaut",
            "poses",
            "a green spacesuit",
        ),
        (
            "A rocket with a bright green nose cone waits at dusk.",
            "rocket",
            "waits",
            "a bright green nose cone",
        ),
        ("Hills of bright orange rock line the horizon.", "Hills", "line", "bright orange rock"),
        ("The metal spoon lies on the far left of the photo.", "spoon", "lies", "The metal spoon"),
        ("A green bud waits at the bottom right.", "bud", "waits", "A green bud"),
    ],
)
def test_a_verb_is_found(text: str, subject: str, verb: str, phrase: str) -> None:
    parsed = mended(parse(text))
    (main,) = (token for token in parsed.tokens if token.dep == "ROOT")
    assert (main.text, main.pos) == (verb, "VERB")
    found = first_subject(parsed)
    assert found is not None
    assert parsed.tokens[found].text == subject
    assert phrase in phrases(parsed)
    assert not any(verb in words.split() for words in phrases(parsed))


def test_what_the_verb_does_it_to_is_its_object() -> None:
    parsed = mended(parse("Blurred leaves in bright red form the background."))
    (verb,) = (token for token in parsed.tokens if token.text == "form")
    assert [token.text for token in parsed.children(verb.i, "dobj")] == ["background"]


@pytest.mark.parametrize(
    ("text", "noun", "participle"),
    [
        ("A floodlight glowing green beside the pad.", "floodlight", "glowing"),
        ("There is a large helmet painted bright green in the room.", "helmet", "painted"),
    ],
)
def test_a_colour_behind_a_participle_is_no_noun(text: str, noun: str, participle: str) -> None:
    parsed = mended(parse(text))
    (verb,) = (token for token in parsed.tokens if token.text == participle)
    said_of = subject_of(parsed, verb.i)
    assert said_of is not None
    assert parsed.tokens[said_of].text == noun
    assert parsed.tokens[[t.text for t in parsed.tokens].index("green")].head == verb.i


def test_a_second_name_is_no_second_thing() -> None:
    parsed = mended(parse("A horse with a calm gait, the fifth horse from the left."))
    assert [token.dep for token in parsed.tokens if token.text == "horse"] == ["ROOT", "appos"]


def placed() -> Scene:
    """A cup at the lower right (1), a smaller one above it to the left (2), a car at the left."""
    return scene(
        region(1, "cup", (60, 60, 80, 80)),
        region(2, "cup", (50, 10, 62, 22)),
        region(3, "car", (5, 55, 35, 85)),
    )


def judged(text: str, own: int) -> dict[str, str]:
    parsed, where = mended(parse(text)), placed()
    mentions = mentions_of(parsed, where, own)
    mentions = chosen(CaptionReading(parsed, mentions, where, own), mentions)
    kinds = (order_statements, relation_statements, size_statements)
    return {one.says: one.truth for kind in kinds for one in kind(parsed, mentions, where, own)}


FIRST = "cup: the number 1 from the left"


@pytest.mark.parametrize(
    ("sentence", "own", "truths"),
    [
        ("Above it is the leftmost cup.", 1, {FIRST: "supported", "cup: above cup": "supported"}),
        ("Above it is the leftmost cup.", 3, {FIRST: "supported", "cup: above car": "supported"}),
        ("Right above it is the leftmost cup.", 1, {"cup: above cup": "supported"}),
        ("Above it sits the leftmost cup.", 1, {FIRST: "supported", "cup: above cup": "supported"}),
        ("Near it is the leftmost cup.", 1, {FIRST: "supported", "cup: near cup": "contradicted"}),
        ("Beside it stands the leftmost cup.", 3, {"cup: next to car": "contradicted"}),
        (
            "Inside it is the leftmost cup.",
            3,
            {FIRST: "supported", "cup: inside car": "contradicted"},
        ),
        ("Underneath it is the leftmost cup.", 1, {"cup: below cup": "contradicted"}),
        (
            "Below it is the leftmost cup.",
            1,
            {FIRST: "supported", "cup: below cup": "contradicted"},
        ),
        (
            "Above the car is the leftmost cup.",
            3,
            {FIRST: "supported", "cup: above car": "supported"},
        ),
        ("To the left of it is the leftmost cup.", 1, {FIRST: "supported"}),
        # The other way round, "it" is what the sentence is about.
        ("It is the leftmost cup.", 1, {FIRST: "contradicted"}),
        ("It is above the leftmost cup.", 1, {"cup: above cup": "contradicted"}),
    ],
)
def test_an_inverted_sentence_is_about_what_comes_last(
    sentence: str, own: int, truths: dict[str, str]
) -> None:
    opening = "A white cup on the right. " if own == 1 else "A red car. "
    found = judged(opening + sentence, own)
    assert {says: found.get(says) for says in truths} == truths


@pytest.mark.parametrize(
    "text",
    [
        "A dozen eggs lie in the bowl.",
        "A few dogs and the cat sleep.",
        "A man in a green suit walks to the left.",
        "A boy with a pair of skis and poles.",
        "The dog, the cat and the bird.",
        "A bright red car in front of sports fans.",
        "Above, it is the leftmost cup.",
        "The cup near it is the leftmost cup.",
        "Below the shelf it is dark.",
    ],
)
def test_a_sound_parse_stays(text: str) -> None:
    parsed = parse(text)
    assert mended(parsed) is parsed


def test_words_stay_and_phrases_keep_apart() -> None:
    captions = list(dict.fromkeys(label.caption for label in read_labels(SECOND)))
    for caption, parsed in zip(captions, parser_of().parse_all(captions), strict=True):
        found = mended(parsed)
        assert [t.text for t in found.tokens] == [t.text for t in parsed.tokens]
        assert [t.i for t in found.tokens] == list(range(len(found.tokens)))
        edges = [at for chunk in found.chunks for at in (chunk.first, chunk.past)]
        assert edges == sorted(edges), caption
        assert all(chunk.first <= chunk.root < chunk.past for chunk in found.chunks)
        assert all(_ends(found, token.i) for token in found.tokens), caption


def phrases(parsed: Parsed) -> list[str]:
    return [parsed.span(chunk.first, chunk.past) for chunk in parsed.chunks]


def _ends(parsed: Parsed, i: int) -> bool:
    """Does the way up from a word end at a root?"""
    for _ in parsed.tokens:
        if parsed.tokens[i].head == i:
            return True
        i = parsed.tokens[i].head
    return False
