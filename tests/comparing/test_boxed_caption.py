"""Captions of records with boxes: behind which words each box goes."""

from __future__ import annotations

from typing import Any

from annoengine.comparing.boxed_caption import boxed_caption

DOG = {"id": 7, "box_xyxy": [0, 50, 100, 100], "category": {"name": "dog"}}
CAT = {"id": 8, "box_xyxy": [100, 0, 200, 100], "category": {"name": "cat"}}
SKY = {"id": 9, "box_xyxy": [0, 0, 200, 50], "category": {"name": "sky-other-merged"}}
A, B, C = (
    "[[0.000, 0.500, 0.500, 1.000]]",
    "[[0.500, 0.000, 1.000, 1.000]]",
    "[[0.000, 0.000, 1.000, 0.500]]",
)


def record(*captions: dict[str, Any], width: int = 200, height: int = 100) -> dict[str, Any]:
    photo = {"width": width, "height": height}
    return {"photo": photo, "segments": [DOG, CAT, SKY], "captions": list(captions)}


def span(start: int, end: int, *segments: int) -> dict[str, Any]:
    return {"start": start, "end": end, "segments": list(segments)}


def test_a_paragraph_has_each_box_once_and_behind_a_phrase_of_its_own() -> None:
    text = "Two animals under the sky. The dog sleeps, the cat and the dog are friends."
    spans = [span(0, 11, 7, 8), span(18, 25, 9), span(27, 34, 7), span(55, 62, 7)]
    found = boxed_caption(record({"text": text, "spans": spans}))
    # The cat is in no phrase of its own: its box goes behind that of both.
    assert found == (
        f"Two animals {B} under the sky {C}. The dog {A} sleeps, the cat and the dog are friends."
    )


def test_a_paragraph_goes_before_captions_of_regions() -> None:
    region = {"text": "A dog.", "segment": 7}
    assert boxed_caption(record(region, {"text": "It is calm."})) == "It is calm."


def test_regions_follow_one_another_with_the_box_behind_their_name() -> None:
    found = boxed_caption(
        record(
            {"text": "This hound sleeps", "segment": 7, "summary": "hound"},
            {"text": "The Cat is grey.", "segment": 8},
            {"text": "It is blue.", "segment": 9},
        )
    )
    assert found == " ".join(
        (
            f"This hound {A} sleeps.",
            f"The Cat {B} is grey.",
            f"There is the sky {C}.",
            "It is blue.",
        )
    )


def test_without_a_size_there_are_no_boxes_and_without_captions_no_text() -> None:
    assert boxed_caption(record({"text": "A dog.", "segment": 7}, width=1, height=1)) == "A dog."
    assert boxed_caption(record()) == ""
