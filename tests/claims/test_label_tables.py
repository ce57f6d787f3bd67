"""The tables of labelled statements are whole and balanced; a spoiled table names its line."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from tests.claims.drawn_scenes import draw_folder
from tests.claims.label_table import (
    COCO,
    COLUMNS,
    EXAMPLES,
    SECOND,
    THIRD,
    UNSEEN,
    Kind,
    Label,
    read_labels,
    strangers,
)
from tests.claims.labels_generated import generate

PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"
TABLES = (EXAMPLES, COCO, SECOND, THIRD)


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_about_half_of_a_table_is_false(table: Path) -> None:
    truths = Counter(label.truth for label in read_labels(table))
    assert 0.4 <= truths["false"] / truths.total() <= 0.6
    assert 0.4 <= truths["true"] / truths.total() <= 0.6
    assert truths["unclear"] / truths.total() <= 0.05


def test_there_are_enough_statements_by_hand() -> None:
    assert len(read_labels(EXAMPLES)) >= 160
    assert len(read_labels(COCO)) >= 100


def test_every_kind_is_there_and_every_decidable_one_in_both_truths() -> None:
    labels = [label for table in TABLES for label in read_labels(table)]
    assert {label.kind for label in labels} == set(get_args(Kind))
    seen = Counter((label.kind, label.truth) for label in labels)
    for kind in set(get_args(Kind)) - UNSEEN:
        assert seen[kind, "true"] >= 5, kind
        assert seen[kind, "false"] >= 5, kind


def test_colour_words_that_are_no_colours_are_neither_true_nor_false() -> None:
    labels = [label for table in TABLES for label in read_labels(table)]
    idioms = [label for label in labels if label.kind == "no colour"]
    assert {label.truth for label in idioms} == {"unclear"}


def test_what_is_doubtful_says_why() -> None:
    labels = [label for table in TABLES for label in read_labels(table)]
    assert not [label for label in labels if label.truth == "unclear" and not label.note]


def test_the_segments_exist_in_the_examples() -> None:
    labels = read_labels(EXAMPLES)
    assert strangers(labels, PHOTOGRAPHS / "panoptic.json") == []
    assert {label.image for label in labels} == {
        path.name for path in (PHOTOGRAPHS / "images").glob("*.jpg")
    }


@pytest.mark.check_data
def test_the_segments_exist_in_the_coco_sample(coco_sample: Path) -> None:
    assert strangers(read_labels(COCO), coco_sample / "panoptic.json") == []
    further = [*read_labels(SECOND), *read_labels(THIRD)]
    examples = {path.name for path in (PHOTOGRAPHS / "images").glob("*.jpg")}
    of_coco = [label for label in further if label.image not in examples]
    assert strangers(of_coco, coco_sample / "panoptic.json") == []
    assert strangers([o for o in further if o not in of_coco], PHOTOGRAPHS / "panoptic.json") == []


def test_no_table_says_what_another_says() -> None:
    captions = [{label.caption for label in read_labels(table)} for table in TABLES]
    assert all(one.isdisjoint(two) for one, two in itertools.combinations(captions, 2))
    assert len(read_labels(SECOND)) >= 100
    assert len(read_labels(THIRD)) >= 60


def test_the_statements_of_one_caption_do_not_overlap() -> None:
    for table in TABLES:
        spans: dict[tuple[str, int, str], list[tuple[int, int]]] = {}
        for label in read_labels(table):
            spans.setdefault((label.image, label.segment, label.caption), []).append(label.span)
        for (_, _, caption), found in spans.items():
            ordered = sorted(found)
            for (_, end), (start, _) in itertools.pairwise(ordered):
                assert end <= start, caption


def test_captions_begin_and_end_like_sentences() -> None:
    for table in TABLES:
        for label in read_labels(table):
            assert label.caption[0].isupper(), label.caption
            assert label.caption.endswith("."), label.caption


def test_a_stranger_is_told() -> None:
    label = Label("coffee.jpg", 1, "A red cup.", "red", "colour", "true")
    assert strangers([label], PHOTOGRAPHS / "panoptic.json") == [label]
    label = Label("tea.jpg", 4019031, "A red cup.", "red", "colour", "true")
    assert strangers([label], PHOTOGRAPHS / "panoptic.json") == [label]


def test_words_have_a_place_in_the_caption() -> None:
    label = Label("a.jpg", 1, "A red cup by a plate.", "red cup", "colour", "true")
    assert label.span == (2, 9)


GOOD = "a.jpg\t7\tA red cup.\tred\tcolour\ttrue\t"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a.jpg\t7\tA red cup.\tred\tcolour\ttrue", ":3: 6 columns, not 7"),
        ("a.jpg\t7\tA red cup.\tblue\tcolour\ttrue\t", ":3: 'blue' does not stand exactly once"),
        ("a.jpg\t7\tA red, red cup.\tred\tcolour\ttrue\t", ":3: 'red' does not stand exactly once"),
        ("a.jpg\t7\tA red cup.\t\tcolour\ttrue\t", ":3: '' does not stand exactly once"),
        ("a.jpg\t7\tA red cup.\tred\ttaste\ttrue\t", ":3: the kind 'taste' is none of colour,"),
        ("a.jpg\t7\tA red cup.\tred\tcolour\tyes\t", ":3: the truth 'yes' is none of true,"),
        ("a.jpg\t-7\tA red cup.\tred\tcolour\ttrue\t", ":3: the segment '-7' is no id"),
        ("a.jpg\t7\tA red cup. \tred\tcolour\ttrue\t", ":3: a cell begins or ends with a blank"),
        (GOOD, ":3: the same statement stands in line 2"),
        ("", ":3: 1 columns, not 7"),
    ],
)
def test_a_spoiled_line_is_named(line: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.tsv"
    path.write_text("\n".join(["\t".join(COLUMNS), GOOD, line, ""]), encoding="utf-8")
    with pytest.raises(ValueError, match=r"labels\.tsv") as caught:
        read_labels(path)
    assert str(caught.value).startswith(f"{path}{says}")


def test_a_table_needs_its_header_and_its_last_newline(tmp_path: Path) -> None:
    path = tmp_path / "labels.tsv"
    path.write_text(GOOD + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"labels\.tsv:1: the header is 'a.jpg"):
        read_labels(path)
    path.write_text("\t".join(COLUMNS) + "\n" + GOOD, encoding="utf-8")
    with pytest.raises(ValueError, match=r"labels\.tsv:2: the last line does not end"):
        read_labels(path)


# What is generated.


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("drawn") / "scenes", n=4, seed=1)


def test_the_same_seed_draws_and_writes_the_same(drawn: Path, tmp_path: Path) -> None:
    again = draw_folder(tmp_path / "again", n=4, seed=1)
    for path in sorted(drawn.rglob("*.*")):
        assert path.read_bytes() == (again / path.relative_to(drawn)).read_bytes()
    labels = generate(drawn, seed=1, flat=True)
    assert labels == generate(again, seed=1, flat=True)
    assert labels != generate(drawn, seed=2, flat=True)


def test_generated_statements_are_many_and_about_half_false(drawn: Path) -> None:
    labels = generate(PHOTOGRAPHS, seed=1) + generate(drawn, seed=1, flat=True)
    assert len(labels) >= 400
    truths = Counter(label.truth for label in labels)
    assert 0.4 <= truths["false"] / truths.total() <= 0.6
    keys = {(label.image, label.segment, label.caption) for label in labels}
    assert len(keys) == len(labels)
    assert strangers(generate(PHOTOGRAPHS, seed=1), PHOTOGRAPHS / "panoptic.json") == []


def test_what_is_generated_knows_nothing_of_the_package() -> None:
    for name in ("labels_generated", "plain_measures", "drawn_scenes"):
        source = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
        assert "annoengine" not in source


def test_a_scene_worked_out_by_hand_is_told_truly(tmp_path: Path) -> None:
    """A red square at the left holds a white one; at the right a blue one touches a grey one."""
    folder = hand_worked_folder(tmp_path)
    told = {
        (label.segment, label.caption[slice(*label.span)].lower()): label.truth
        for seed in range(20)
        for label in generate(folder, seed, per_kind=9, flat=True)
    }
    expected = {
        (1, "the leftmost ball"): "true",
        (3, "the leftmost ball"): "false",
        (3, "the second ball from the left"): "true",
        (1, "the second ball from the left"): "false",
        (1, "one of two balls"): "true",
        (1, "one of four balls"): "false",
        (1, "the only ball"): "false",
        (2, "the only cup"): "true",
        (1, "on the left side of the image"): "true",
        (1, "on the right side of the image"): "false",
        (4, "to the right of the cup"): "true",
        (4, "to the left of the cup"): "false",
        (2, "to the left of the vase"): "true",
        (1, "red"): "true",
        (3, "blue"): "true",
        (2, "white"): "true",
        (4, "grey"): "true",
        (1, "larger than the cup"): "true",
        (1, "smaller than the cup"): "false",
        (3, "touching the vase"): "true",
        (2, "touching the vase"): "false",
        (2, "inside the vase"): "false",
        (1, "touching the cup"): "true",
    }
    assert {key: told.get(key) for key in expected} == expected
    shades = {"red", "orange", "yellow", "brown", "pink", "purple"}
    assert not [key for key, truth in told.items() if key[0] == 1 and key[1] in shades - {"red"}]


def hand_worked_folder(folder: Path) -> Path:
    """A folder with one picture of 200 by 100 pixels: see the test above."""
    photo = np.full((100, 200, 3), 255, dtype=np.uint8)
    ids = np.zeros((100, 200), dtype=np.uint8)
    shapes = [
        (1, "ball", (10, 20, 60, 70), (255, 0, 0)),
        (2, "cup", (25, 35, 45, 55), (255, 255, 255)),
        (3, "ball", (140, 20, 160, 70), (0, 0, 255)),
        (4, "vase", (160, 20, 190, 70), (128, 128, 128)),
    ]
    for id, _, (x1, y1, x2, y2), rgb in shapes:
        photo[y1:y2, x1:x2] = rgb
        ids[y1:y2, x1:x2] = id
    for name in ("images", "panoptic"):
        (folder / name).mkdir()
    Image.fromarray(photo).save(folder / "images" / "one.png")
    rgb_ids = np.stack([ids, ids * 0, ids * 0], axis=-1)
    Image.fromarray(rgb_ids).save(folder / "panoptic" / "one.png")
    names = sorted({name for _, name, _, _ in shapes})
    index = {
        "images": [{"id": 1, "file_name": "one.png", "width": 200, "height": 100}],
        "categories": [
            {"id": id, "name": name, "isthing": 1} for id, name in enumerate(names, start=1)
        ],
        "annotations": [
            {
                "image_id": 1,
                "file_name": "one.png",
                "segments_info": [
                    {"id": id, "category_id": names.index(name) + 1, "iscrowd": 0}
                    for id, name, _, _ in shapes
                ],
            }
        ],
    }
    (folder / "panoptic.json").write_text(json.dumps(index), encoding="utf-8")
    return folder
