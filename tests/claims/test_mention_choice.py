"""Which of several is meant: towers in a row, told apart by place and rank."""

from __future__ import annotations

import pytest

from annoengine.baseline.region_facts import Scene
from annoengine.claims.caption_claim import Mention
from annoengine.claims.caption_reading import CaptionReading
from annoengine.claims.mention_choice import chosen
from annoengine.claims.mentions import mentions_of
from tests.claims.hand_made import parse, region, scene

TOWERS = (1, 2, 3)


def row(crowd: bool = False) -> Scene:
    """Three towers from left to right, and a rocket between the second and the third."""
    places = (2, 40, 90)
    towers = (region(n, "tower", (x, 20, x + 8, 90)) for n, x in enumerate(places, start=1))
    extra = (region(9, "tower", (20, 80, 30, 90), crowd=True),) if crowd else ()
    return scene(*towers, region(7, "rocket", (60, 10, 66, 90)), *extra)


def meant(text: str, phrase: str, where: Scene, own: int | None = 7) -> Mention:
    parsed = parse(text)
    mentions = mentions_of(parsed, where, own)
    found = chosen(CaptionReading(parsed, mentions, where, own), mentions)
    (one,) = (m for m in found if parsed.span(m.first, m.past) == phrase)
    return one


@pytest.mark.parametrize(
    ("phrase", "words", "segment"),
    [
        ("the tower", "the tower at the left edge of the image", 1),
        ("the tower", "the tower on the far right", 3),
        ("the rightmost tower", "the rightmost tower", 3),
        ("the second tower", "the second tower from the left", 2),
    ],
)
def test_place_and_rank_tell_one(phrase: str, words: str, segment: int) -> None:
    one = meant(f"The rocket is smaller than {words}.", phrase, row())
    assert (one.who, one.segments) == ("segment", (segment,))


def test_what_is_doubtful_stays() -> None:
    one = meant("The rocket stands near the tower on the left.", "the tower", row())
    assert one.who == "several"
    assert set(one.segments) == {1, 2}


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("The rocket stands near the tower.", "the tower"),
        ("The rocket stands near a tower on the far right.", "a tower"),
        ("The rocket stands near the towers on the far right.", "the towers"),
    ],
)
def test_without_a_word_that_tells_all_stay(text: str, phrase: str) -> None:
    one = meant(text, phrase, row())
    assert (one.who, one.segments) == ("several", TOWERS)


def test_where_a_crowd_may_be_meant_nobody_is_chosen() -> None:
    text = "The rocket is smaller than the tower at the left edge of the image."
    assert meant(text, "the tower", row(crowd=True)).segments == (*TOWERS, 9)
