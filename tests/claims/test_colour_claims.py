"""Statements about colours on the example photographs and on painted scenes.

The statements on photographs were judged by looking at them; none is contradicted that is true.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.claims.caption_claim import Statement
from annoengine.claims.colour_claims import colour_statements
from annoengine.claims.colour_evidence import PhotoColours
from annoengine.claims.mentions import mentions_of
from annoengine.language.parser import parser_of
from tests.claims.colour_photographs import statements
from tests.claims.painted import painted

Row = tuple[str, str | None, str]

FALSE: tuple[Row, ...] = (
    ("astronaut", "person", "A woman in a blue suit smiles; her hair is green."),
    ("astronaut", "person", "Her suit is green and black."),
    ("astronaut", "person", "The astronaut is dressed in blue."),
    ("astronaut", "helmet", "The helmet is red."),
    ("astronaut", "helmet", "A green helmet next to an astronaut in a blue suit."),
    ("astronaut", "flag", "The flag has green and yellow stripes."),
    ("astronaut", "flag", "The flag is green."),
    ("astronaut", "wall-other-merged", "The wall is dark green."),
    ("astronaut", "badge", "The patch is bright yellow."),
    ("chelsea", "cat", "A black cat with purple eyes."),
    ("chelsea", "cat", "The cat's fur is grey."),
    ("chelsea", "cat", "The cat is bluish-grey."),
    ("chelsea", "blanket", "The blanket is red."),
    ("chelsea", "blanket", "A green blanket lies behind a black cat."),
    ("coffee", "saucer", "The saucer is white."),
    ("coffee", "spoon", "A blue spoon lies on the green saucer."),
    ("coffee", "dining table", "The table is white."),
    ("coffee", "dining table", "A dark blue wooden table."),
    ("coffee", "food-other-merged", "The coffee is black."),
    ("china", "roof", "The roof has purple tiles."),
    ("china", "building-other-merged", "The building is yellow."),
    ("china", "sky-other-merged", "The sky is dark red."),
    ("china", "sky-other-merged", "The sky is orange and pink."),
    ("china", "tree-merged", "The trees have red leaves."),
    ("china", "water-other", "The water is brown."),
    ("flower", "flower head", "The flower is purple."),
    ("flower", "flower head", "A white flower with blue petals."),
    ("flower", "tree-merged", "The leaves are bright red."),
    ("flower", "tree-merged", "The foliage is yellow and orange."),
    ("flower", "flower bud", "The bud is purple."),
    ("rocket", "rocket", "The rocket is red."),
    ("rocket", "sky-other-merged", "The sky is orange."),
    ("rocket", "sky-other-merged", "The sky is white."),
    ("rocket", "lattice tower", "The tower is red."),
    ("rocket", "lattice tower", "The tower is bright yellow."),
    ("rocket", "building-other-merged", "The building is blue."),
    ("astronaut", "wall-other-merged", "The backdrop is bright red."),
    ("chelsea", "cat", "A green cat lies on a purple blanket."),
    ("coffee", "cup", "The cup is purple. Its handle is blue."),
    ("coffee", "saucer", "The saucer is grey."),
    ("coffee", "dining table", "The table is painted green."),
    ("coffee", "dining table", "The table has a grey surface."),
    ("china", "sky-other-merged", "The sky is green."),
    ("china", "tree-merged", "The trees have pink blossoms."),
    ("china", "water-other", "The lake is red."),
    ("china", "mountain-merged", "The mountain is brown."),
    ("china", "boat", "The boats are red."),
    ("flower", "flower head", "The petals are lavender."),
    ("flower", "tree-merged", "The leaves are brown."),
    ("flower", "tree-merged", "The leaves are white and pink."),
    ("rocket", "rocket", "The rocket is blue."),
    ("rocket", "rocket", "A purple rocket."),
    ("rocket", "sky-other-merged", "The sky is bright green."),
    ("rocket", "building-other-merged", "The building is green."),
    ("rocket", "service structure", "The service structure is red."),
)
"""Photograph, category of the segment, and a caption each of whose colours is wrong."""

TRUE: tuple[Row, ...] = (
    ("astronaut", "person", "A woman in an orange suit smiles; her hair is brown."),
    ("astronaut", "helmet", "The helmet is black and glossy with a white rim."),
    ("astronaut", "flag", "The flag is red, white and blue."),
    ("astronaut", "flag", "The flag with white stars on a blue field has red stripes."),
    ("astronaut", "table-merged", "The table is black."),
    ("astronaut", "space shuttle model", "A white shuttle model with a brown tank."),
    ("astronaut", "wall-other-merged", "The backdrop is light grey."),
    ("astronaut", "badge", "The badge is blue with a red border."),
    ("chelsea", "cat", "The cat has green eyes and a pink nose."),
    ("chelsea", "cat", "An orange tabby cat with white whiskers."),
    ("chelsea", "cat", "The cat's fur is brown and its eyes are yellow."),
    ("chelsea", "blanket", "The blanket is grey."),
    ("chelsea", "blanket", "A pinkish white blanket behind an orange cat."),
    ("coffee", "cup", "A red cup with a white interior holds brown coffee."),
    ("coffee", "saucer", "The saucer is red."),
    ("coffee", "spoon", "A silver spoon lies on the red saucer."),
    ("coffee", "dining table", "The table is brown."),
    ("coffee", "food-other-merged", "The coffee is light brown."),
    ("china", "roof", "The roof has orange tiles with green edges."),
    ("china", "building-other-merged", "The building is red with green beams."),
    ("china", "sky-other-merged", "The sky is light blue."),
    ("china", "tree-merged", "The trees are green."),
    ("china", "water-other", "The water is pale blue."),
    ("china", "finial", "The finial is golden brown."),
    ("flower", "flower head", "The petals are orange and the center is red."),
    ("flower", "flower head", "The flower is peach-colored."),
    ("flower", "flower head", "A pink and orange dahlia stands against teal leaves."),
    ("flower", "tree-merged", "The leaves are dark teal."),
    ("flower", "tree-merged", "The foliage is blue-green."),
    ("flower", "flower bud", "The bud is green."),
    ("rocket", "rocket", "The rocket is white."),
    ("rocket", "sky-other-merged", "The sky is dark blue."),
    ("rocket", "lattice tower", "The tower is black."),
    ("rocket", "building-other-merged", "The building is orange."),
    ("astronaut", "person", "The woman has short, light brown hair and a bright white smile."),
    (
        "astronaut",
        "person",
        "An astronaut with blonde hair wears an orange pressure suit with blue patches.",
    ),
    (
        "astronaut",
        "person",
        "The person wears a black neck ring, a white strap and an American flag patch.",
    ),
    ("astronaut", "person", "Her suit is not blue. Her face is pale and her lips are pink."),
    ("astronaut", "person", "She holds a black and white helmet and wears a dark turtleneck."),
    ("astronaut", "person", "A woman wearing a red-orange jumpsuit with silver metal rings."),
    ("astronaut", "helmet", "A shiny dark helmet with grey visor beside an orange suit."),
    (
        "astronaut",
        "space shuttle model",
        "The shuttle is white with black markings and has two white boosters.",
    ),
    ("chelsea", "cat", "The cat has a pink nose, black stripes, and cream-colored chest."),
    ("chelsea", "cat", "The tabby cat has brown and black stripes."),
    (
        "coffee",
        "cup",
        "The cup is dark red on the outside and white on the inside, holding light brown espresso.",
    ),
    ("coffee", "cup", "A glossy brick-red cup sits on a matching red saucer."),
    ("coffee", "cup", "The cup is maroon. Its handle is red."),
    ("coffee", "saucer", "A round, reddish-brown saucer."),
    ("coffee", "saucer", "The saucer is orange-red and shiny with white highlights."),
    ("coffee", "dining table", "A wooden table with orange-brown planks and dark grain."),
    ("coffee", "food-other-merged", "The golden coffee has a creamy tan foam."),
    ("china", "roof", "The roof is covered with yellow and green glazed tiles."),
    ("china", "roof", "The tiered roof has dark green eaves and terracotta tiles."),
    ("china", "building-other-merged", "The pagoda has red columns and a green roof."),
    ("china", "sky-other-merged", "The sky is grey."),
    ("china", "tree-merged", "Dense dark green trees with yellowish leaves."),
    ("china", "water-other", "The water is greyish-blue and calm."),
    ("china", "mountain-merged", "The mountains are hazy blue."),
    ("china", "boat", "The boats are white."),
    (
        "flower",
        "flower head",
        "The flower has cream-tipped apricot petals with a deep red-orange center.",
    ),
    ("flower", "flower head", "A yellow flower with a dark red heart."),
    ("flower", "tree-merged", "The blurred foliage is green and teal, with dark patches."),
    ("flower", "tree-merged", "Dark blue-green leaves."),
    ("rocket", "rocket", "A tall, white rocket with a grey nose cone and a black band."),
    ("rocket", "rocket", "The rocket is lit in yellow light and looks cream."),
    ("rocket", "sky-other-merged", "The sky is deep navy blue at the top."),
    ("rocket", "lattice tower", "The lattice tower is grey against the blue sky."),
    ("rocket", "lattice tower", "A dark steel tower."),
    ("rocket", "service structure", "The service structure is brown."),
    (
        "coffee",
        None,
        "A red cup of coffee on a red saucer with a silver spoon, on a brown wooden table.",
    ),
)
"""The same, each of whose colours is right."""


@pytest.mark.parametrize(("photo", "category", "text"), FALSE)
def test_wrong_colours_are_contradicted(photo: str, category: str | None, text: str) -> None:
    found = statements(photo, category, text)
    assert found
    assert {one.truth for one in found} == {"contradicted"}


@pytest.mark.parametrize(("photo", "category", "text"), TRUE)
def test_right_colours_are_not_contradicted(photo: str, category: str | None, text: str) -> None:
    found = statements(photo, category, text)
    assert found
    assert "contradicted" not in {one.truth for one in found}


def test_most_right_colours_are_supported() -> None:
    truths = [one.truth for row in TRUE for one in statements(*row)]
    assert truths.count("supported") >= 0.5 * len(truths)


def test_a_statement_tells_its_words_and_the_measured_shares() -> None:
    (found,) = statements("astronaut", "helmet", "The helmet is bright red.")
    assert (found.kind, found.says) == ("colour", "self helmet: colour red")
    assert "The helmet is bright red."[found.start : found.end] == "bright red"
    assert found.truth == "contradicted"
    assert "could pass for it; of 32653 pixels most are black" in found.evidence


@pytest.mark.parametrize(
    ("photo", "category", "text"),
    [
        # Not segmented, kinds, people's looks, and what shadows have as well.
        ("astronaut", "person", "A bright green chair stands behind the person."),
        ("coffee", "food-other-merged", "The bowl holds a red onion."),
        ("astronaut", "person", "A black woman smiles."),
        ("coffee", "cup", "The cup has a black rim."),
    ],
)
def test_what_cannot_be_told(photo: str, category: str, text: str) -> None:
    assert [one.truth for one in statements(photo, category, text)] == ["cannot tell"]


RED, GREEN, BLUE, WHITE = (200, 20, 30), (30, 140, 40), (40, 60, 200), (245, 245, 245)
BLACK, YELLOW, GREY = (12, 12, 12), (240, 220, 30), (128, 128, 128)


def truths(scene: tuple[Scene, PhotoColours], text: str, own: int | None = 1) -> list[Statement]:
    """What a caption of a painted scene says of colours."""
    parsed = parser_of().parse(text)
    mentions = mentions_of(parsed, scene[0], own)
    return colour_statements(parsed, mentions, scene[0], scene[1])


def verdicts(scene: tuple[Scene, PhotoColours], text: str, own: int | None = 1) -> list[str]:
    """The verdict on each colour of a caption."""
    return [one.truth for one in truths(scene, text, own)]


def halves(
    upper: tuple[int, int, int], lower: tuple[int, int, int], rows: int = 20
) -> NDArray[np.uint8]:
    """A picture of 40 × 40 pixels: its first rows of one colour, the rest of another."""
    picture = np.empty((40, 40, 3), dtype=np.uint8)
    picture[:rows], picture[rows:] = upper, lower
    return picture


def test_colours_of_a_painted_car(tmp_path_factory: pytest.TempPathFactory) -> None:
    scene = painted(tmp_path_factory, {"car": halves(RED, BLACK, 30)})
    assert verdicts(scene, "The car is red.") == ["supported"]
    assert verdicts(scene, "The car is red and black.") == ["supported"]
    assert verdicts(scene, "The car is blue.") == ["contradicted"]
    # A quarter is black, but two thirds and more are red.
    assert verdicts(scene, "The car is black.") == ["contradicted"]
    assert verdicts(scene, "The car is red and green.") == ["contradicted"]
    assert verdicts(scene, "The red car has white doors and a green roof.") == [
        "supported",
        "contradicted",
        "contradicted",
    ]


def test_a_small_share_is_neither(tmp_path_factory: pytest.TempPathFactory) -> None:
    scene = painted(tmp_path_factory, {"sports ball": halves(YELLOW, BLUE, 16)})
    assert verdicts(scene, "The ball is yellow.") == ["supported"]
    # 6 rows of 40: 15 %, too much to deny that the ball is yellow, too little to say so.
    three = halves(YELLOW, BLUE, 6)
    three[20:] = RED
    scene = painted(tmp_path_factory, {"sports ball": three})
    assert verdicts(scene, "The ball is yellow.") == ["cannot tell"]
    # 2 rows: 5 %.
    scene = painted(tmp_path_factory, {"sports ball": halves(YELLOW, GREY, 2)})
    assert verdicts(scene, "The ball is yellow.") == ["contradicted"]
    assert verdicts(scene, "The ball is yellow and grey.") == ["supported"]


def test_of_several_all_must_agree(tmp_path_factory: pytest.TempPathFactory) -> None:
    cups = {"cup": halves(RED, RED), "cup ": halves(BLUE, BLUE), "dog": halves(BLACK, BLACK)}
    scene = painted(tmp_path_factory, cups)
    assert verdicts(scene, "The dog lies next to a red cup.", own=3) == ["cannot tell"]
    assert verdicts(scene, "The dog lies next to a yellow cup.", own=3) == ["contradicted"]


def test_crowds_and_specks_are_seldom_judged(tmp_path_factory: pytest.TempPathFactory) -> None:
    scene = painted(tmp_path_factory, {"bird#": halves(RED, BLACK, 1)})
    assert verdicts(scene, "The bird is yellow.") == ["contradicted"]
    assert verdicts(scene, "The bird is red.") == ["cannot tell"]
    speck = np.full((9, 9, 3), RED, dtype=np.uint8)
    scene = painted(tmp_path_factory, {"bird": speck})
    assert verdicts(scene, "The bird is red.") == ["cannot tell"]
    assert verdicts(scene, "The bird is green.") == ["contradicted"]


def test_clothes_of_people_are_parts(tmp_path_factory: pytest.TempPathFactory) -> None:
    scene = painted(tmp_path_factory, {"person": halves(GREEN, BLUE)})
    assert verdicts(scene, "A man in a green shirt and blue trousers.") == ["supported"] * 2
    assert verdicts(scene, "A man in yellow.") == ["contradicted"]
    assert verdicts(scene, "His eyes are red.") == ["cannot tell"]


def test_a_part_may_overhang_the_mask(tmp_path_factory: pytest.TempPathFactory) -> None:
    # The hat lies outside the person's mask, which begins at row 10 of the picture.
    picture = halves(RED, GREEN, 10)
    scene = painted(tmp_path_factory, {"person": picture}, cut_rows=10)
    assert verdicts(scene, "A man with a red hat.") == ["cannot tell"]
    assert verdicts(scene, "A man with a yellow hat.") == ["contradicted"]


def test_nothing_is_said_of_a_caption_without_colours(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    scene = painted(tmp_path_factory, {"car": halves(RED, RED)})
    assert truths(scene, "The car is parked.") == []
    assert truths(scene, "") == []


def test_only_a_box_is_known(tmp_path_factory: pytest.TempPathFactory) -> None:
    scene = painted(tmp_path_factory, {"car": halves(RED, RED)}, masks=False)
    assert verdicts(scene, "The car is red.") == ["cannot tell"]
    assert verdicts(scene, "The car is green.") == ["contradicted"]
    region: RegionFacts = scene[0].regions[0]
    assert not region.has_mask


def test_a_garment_needs_a_patch_of_its_size(tmp_path_factory: pytest.TempPathFactory) -> None:
    # 1 of 60 rows is red: 1.7 %; then 6 rows: 10 %.
    specks = painted(tmp_path_factory, {"person": halves(RED, GREY, 60)[:1].repeat(60, 0)})
    assert verdicts(specks, "A man in a red shirt.") == ["supported"]
    picture = np.full((60, 40, 3), GREY, dtype=np.uint8)
    picture[0] = RED
    scene = painted(tmp_path_factory, {"person": picture})
    assert verdicts(scene, "A man in a red shirt.") == ["contradicted"]
    # Little may be seen of a shirt below a jacket.
    assert verdicts(scene, "A man in a red shirt and a jacket.") == ["cannot tell"]
    picture[:6] = RED
    scene = painted(tmp_path_factory, {"person": picture})
    assert verdicts(scene, "A man in a red shirt.") == ["supported"]


def test_red_hair_is_ginger(tmp_path_factory: pytest.TempPathFactory) -> None:
    picture = np.full((60, 40, 3), (20, 60, 160), dtype=np.uint8)
    picture[:10] = (150, 80, 40)
    scene = painted(tmp_path_factory, {"person": picture})
    assert verdicts(scene, "A man with red hair.") == ["supported"]
    assert verdicts(scene, "A man in a red suit.") == ["contradicted"]
