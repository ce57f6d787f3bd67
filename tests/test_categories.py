"""The table of category words, and the fit of phrases and sentences to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.categories import (
    _table,
    fit_of_text,
    fits,
    is_known,
    named,
    table_sha256,
    words_of,
)

NAMES = list(_table())


def test_the_table_has_all_133_categories_each_with_its_own_shown_name() -> None:
    assert len(NAMES) == 133
    assert len({words_of(name).show for name in NAMES}) == 133
    for word in ("merged", "other", "stuff"):
        assert not [name for name in NAMES if word in words_of(name).show.split()]


@pytest.mark.check_data
def test_the_table_follows_the_categories_of_the_dataset(coco_sample: Path) -> None:
    text = (coco_sample / "panoptic_coco_categories.json").read_text()
    assert [category["name"] for category in json.loads(text)] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_shown_name_plural_and_dataset_name_always_fit(name: str) -> None:
    words = words_of(name)
    assert words.heads
    assert all(head == head.lower() for head in words.heads)
    for phrase in (words.show, words.plural, name, f"The {words.show}", words.show.upper()):
        assert fits(phrase, name), phrase
    for phrase in (f"a large red {words.show}", f"{words.show} on the left", f"{words.show} 2"):
        assert fits(phrase, name), phrase


@pytest.mark.parametrize("name", NAMES)
def test_every_head_of_the_table_fits_its_own_category(name: str) -> None:
    assert [head for head in words_of(name).heads if not fits(head, name)] == []


@pytest.mark.parametrize(
    ("name", "show", "plural", "countable"),
    [
        ("person", "person", "people", True),
        ("sky-other-merged", "sky", "sky", False),
        ("wall-brick", "brick wall", "brick walls", True),
        ("floor-wood", "wooden floor", "wooden floors", True),
        ("knife", "knife", "knives", True),
        ("bus", "bus", "buses", True),
        ("mouse", "computer mouse", "computer mice", True),
        ("scissors", "scissors", "scissors", True),
        ("shelf", "shelf", "shelves", True),
        ("grass-merged", "grass", "grass", False),
    ],
)
def test_words_shown(name: str, show: str, plural: str, countable: bool) -> None:
    words = words_of(name)
    assert (words.show, words.plural, words.countable) == (show, plural, countable)


def test_a_free_tag_gets_derived_words() -> None:
    assert words_of("street-vendor-cart").show == "street vendor cart"
    assert words_of("street-vendor-cart").plural == "street vendor carts"
    assert words_of("moss-other-merged").show == "moss"
    assert fits("wooden cart", "street-vendor-cart")
    assert not fits("person", "street-vendor-cart")


def test_a_free_tag_that_the_table_knows_as_a_head_takes_its_category_along() -> None:
    assert fits("a brown dog", "labrador")
    assert not fits("a brown dog", "siamese cat")
    assert words_of("tree").heads == words_of("tree-merged").heads


@pytest.mark.parametrize("category", ["region", "object", "Object"])
def test_every_noun_fits_what_nobody_has_named(category: str) -> None:
    assert not is_known(category)
    for phrase in ("a red kite", "Dog", "hot dog", "some strange contraption", "region"):
        assert fits(phrase, category)
    assert not fits("  ", category)
    assert fit_of_text("The dog runs after a ball.", category) == "fits"
    assert fit_of_text("It is red.", category) == "fits"
    assert fit_of_text("", category) == "unclear"


def test_a_name_that_only_holds_such_a_word_is_a_category() -> None:
    for name in ("object lens", "regional train", "person", "thing"):
        assert is_known(name)
    assert not fits("a red kite", "regional train")


FITTING = [
    ("person", "Man|two young women|a boy in blue|Skier #2|Child|the people|Fisherman|salesman"),
    ("person", "Person wearing a red tie|man riding a horse|woman with umbrella|the man's hand"),
    ("person", "A group of people skiing|Person - left|Female tennis player|T-shirt wearing boy"),
    ("person", "girls playing|smiling woman|Person (left)|the second boy from the left|crowd"),
    ("bus", "Large, red bus|red and white bus|double-decker bus|front of the bus|city buses"),
    ("cup", "glass cup|Coffee mug|a cup of coffee|another glass cup filled with jam"),
    ("playingfield", "tennis court|baseball diamond|grassy field|soccer pitch|field"),
    ("sports ball", "soccer ball|white baseball|a small yellow tennis ball|football"),
    ("dining table", "table|dining tables|table with a white cloth|tablecloth|picnic table"),
    ("tree-merged", "trees|palm trees|foliage|tree branches|tree trunk|a group of bare trees"),
    ("grass-merged", "grass|vibrant green grass|patches of green grass|lawn|grassy area"),
    ("sky-other-merged", "sky|clouds|Blue sky|clear sky with clouds"),
    ("snow", "snow|a blanket of snow|snow covered ground|ski slope|snowy hill"),
    ("wall-brick", "brick wall|wall|a section of brick wall|red brick wall|Wall (brick)"),
    ("wall-other-merged", "wall|white wall|concrete wall|brick wall"),
    ("building-other-merged", "buildings|church|skyscraper|a house-like structure|storefront"),
    ("house", "house|a house-like structure|cottage|home"),
    ("giraffe", "giraffe|giraffe's head|head of a giraffe|baby giraffe"),
    ("skis", "skis|pair of skis|ski|long narrow skis"),
    ("stairs", "stairs|staircase|a flight of stairs|concrete steps"),
    ("orange", "half an orange|half-sliced orange|whole uncut orange|orange slice"),
    ("pizza", "slice of pizza|pepperoni pizza|pizza slice"),
    ("tv", "TV|television|flat-screen TV|TV set|monitor"),
    ("couch", "sofa/couch|sofa|grey sectional couch"),
    ("counter", "a flat surface, possibly a countertop or table|kitchen counter"),
    ("suitcase", "carry-on suitcase|luggage|black rolling suitcase"),
    ("tent", "pop-up tent|canopy|white tents"),
    ("baseball glove", "glove|mitt|catcher's mitt"),
    ("mountain-merged", "snow covered mountain|mountains|hills|mountain range"),
    ("road", "brick paved road|street|asphalt road|parking lot"),
    ("door-stuff", "door|closed door|doorway"),
    ("truck", "pick-up truck|fire truck|lorry"),
    ("surfboard", "stand-up paddleboard|board|surf board"),
    ("knife", "wooden-handled knife|knives|butter knife"),
    ("cow", "grazing cow|cattle|a herd of cows|bull"),
]


@pytest.mark.parametrize(
    ("phrase", "category"),
    [(phrase, category) for category, phrases in FITTING for phrase in phrases.split("|")],
)
def test_a_right_name_fits(phrase: str, category: str) -> None:
    assert fits(phrase, category)


NOT_FITTING = [
    ("dog", "hot dog|dog house|person|cat|man walking a dog|a person with a dog||of|the"),
    ("person", "dog|car|snowman|ottoman|tree|horse with a rider|teddy bear|bench"),
    ("bear", "teddy bear|dog|person"),
    ("horse", "man riding a horse|cow|zebra"),
    ("tie", "person wearing a tie|shirt"),
    ("umbrella", "woman holding an umbrella|hat"),
    ("orange", "orange jacket|apple|carrot"),
    ("sports ball", "tennis racket|baseball bat|baseball glove|tennis court"),
    ("bus", "bus stop|car|train"),
    ("bird", "bird house|airplane"),
    ("tree-merged", "grass|sky|mountain"),
    ("sky-other-merged", "sea|wall|snow"),
    ("chair", "dining table|person"),
    ("wine glass", "bottle of wine|wine bottle"),
    ("cake", "pizza|cake stand"),
    ("cell phone", "laptop|remote control"),
    ("keyboard", "computer mouse|laptop"),
    ("river", "road|bridge over the river"),
    ("surfboard", "surfer|wave|snowboarder"),
    ("train", "train station|train tracks|bus"),
]


@pytest.mark.parametrize(
    ("phrase", "category"),
    [(phrase, category) for category, phrases in NOT_FITTING for phrase in phrases.split("|")],
)
def test_a_name_of_something_else_does_not_fit(phrase: str, category: str) -> None:
    assert not fits(phrase, category)


FAR_APART = ["person", "dog", "car", "sky-other-merged", "tree-merged", "pizza", "laptop", "sink"]


@pytest.mark.parametrize("one", FAR_APART)
@pytest.mark.parametrize("other", FAR_APART)
def test_shown_names_of_different_things_never_fit_each_other(one: str, other: str) -> None:
    assert fits(words_of(one).show, other) == (one == other)


def test_named_lists_the_owners_of_the_longest_head() -> None:
    assert named("a hot dog on a plate") == ("hot dog", "food-other-merged")
    assert named("The big red stop sign") == ("stop sign",)
    assert named("a strange contraption") == ()
    assert set(named("brick wall")) == {"wall-brick", "wall-stone", "wall-other-merged"}


@pytest.mark.parametrize(
    ("text", "category", "fit"),
    [
        ("The background consists of vibrant green grass.", "grass-merged", "fits"),
        ("The ground is covered with a thick layer of white snow.", "snow", "fits"),
        ("The person is holding a tennis racket in their right hand.", "tennis racket", "fits"),
        ("The person wears a black backpack with straps.", "backpack", "fits"),
        ("This is a half-sliced orange with juicy pulp.", "orange", "fits"),
        ("In the background, a tall tree is visible.", "tree-merged", "fits"),
        ("There is a dog on the sofa.", "dog", "fits"),
        ("There is a dog on the sofa.", "couch", "other"),
        ("A black dog runs near a car.", "car", "other"),
        ("The red car is parked by the tree.", "tree-merged", "other"),
        ("It is large and shiny.", "bus", "unclear"),
        ("Wearing a blue shirt and shorts.", "person", "unclear"),
        ("", "person", "unclear"),
    ],
)
def test_fit_of_a_description_by_its_first_clause(text: str, category: str, fit: str) -> None:
    assert fit_of_text(text, category) == fit


@settings(deadline=None)
@given(st.text(max_size=80), st.sampled_from([*NAMES, "gizmo"]))
def test_any_text_can_be_asked_about(text: str, category: str) -> None:
    assert fits(text, category) in (True, False)
    assert fit_of_text(text, category) in ("fits", "other", "unclear")
    assert set(named(text)) <= set(NAMES)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_tag_has_words(tag: str) -> None:
    words = words_of(tag)
    assert words.name == tag
    assert all(words.heads)


def test_the_table_has_a_hash() -> None:
    assert len(table_sha256()) == 64
