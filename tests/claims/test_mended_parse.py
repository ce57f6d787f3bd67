"""Verbs that the parser takes for nouns are verbs again, and sound parses stay as they are."""

from __future__ import annotations

import pytest

from annoengine.claims.mended_parse import mended
from annoengine.claims.mention_grammar import first_subject, subject_of
from annoengine.language.parsed import Parsed
from annoengine.language.parser import parser_of
from tests.claims.hand_made import parse
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


@pytest.mark.parametrize(
    "text",
    [
        "A dozen eggs lie in the bowl.",
        "A few dogs and the cat sleep.",
        "A man in a green suit walks to the left.",
        "A boy with a pair of skis and poles.",
        "The dog, the cat and the bird.",
        "A bright red car in front of sports fans.",
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
