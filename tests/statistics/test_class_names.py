"""Nouns beside class names."""

from __future__ import annotations

import pytest

from annoengine.statistics.class_names import ClassNames, coco_class_names, with_all_of_coco


@pytest.mark.parametrize(
    ("caption", "at", "kind"),
    [
        ("two dogs", 1, "class name"),
        ("the dining table", 1, "class name"),
        ("the dining table", 2, "class name"),
        ("a dining room", 1, "beyond"),
        ("a parking meter", 1, "class name"),
        ("a parking spot", 1, "beyond"),
        ("a brick wall", 2, "class name"),
        ("some people", 1, "class name"),
        ("a man", 1, "other word"),
        ("a vegetable", 1, "other word"),
        ("a jacket", 1, "beyond"),
        ("the clear sky", 2, "class name"),
    ],
)
def test_a_noun_among_the_classes_of_coco(caption: str, at: int, kind: str) -> None:
    assert ClassNames(coco_class_names()).kind_of(caption.split(), at) == kind


def test_a_datasets_own_classes_count() -> None:
    own = ClassNames(frozenset({"fire-truck", "gadget"}))
    words = "a gadget in a fire truck by a dog".split()
    assert [own.kind_of(words, at) for at in (1, 4, 5, 8)] == ["class name"] * 3 + ["beyond"]


def test_a_part_of_cocos_classes_stands_for_all() -> None:
    """A run over few images has seen few of them."""
    assert len(coco_class_names()) == 133
    assert with_all_of_coco(frozenset({"dog"})) == coco_class_names()
    assert with_all_of_coco(None) == with_all_of_coco(frozenset({"region"})) == coco_class_names()
    assert with_all_of_coco(frozenset({"dog", "gadget"})) == {"dog", "gadget"}
