"""Captions as papers print them, with what a reader finds wrong with them.

Source: arXiv 2501.13893 (Pix2Cap-COCO), Tables 2, 7 and 8, by way of the tests of the answer
grammar, which have them with their categories; the rest as noted.
"""

from __future__ import annotations

from tests.answers.test_paper_captions import ROWS

Place = tuple[str, int]
"""The table's row, and the number of the caption in it."""

PRINTED: dict[Place, str] = {
    (row, number): entry[1]
    for row, entries in ROWS.items()
    for number, entry in enumerate(entries, start=1)
    if entry is not None
}

# Labelled by reading all of them: "seems", "appears well-maintained", "details are not clear" …
_HEDGED = {
    "table 2 row 1": (4, 5, 6, 7),
    "table 2 row 2": (1, 2, 3, 5),
    "table 7 row 2": (1, 3, 4),
    "table 7 row 3": (2, 4),
    "table 7 row 4": (2, 3),
    "table 8 row 1": (2, 9, 15),
    "table 8 row 2": (1, 2, 4, 5, 6),
    "table 8 row 3": (1, 2, 4, 5, 8),
    "table 8 row 4": (2, 5),
    "table 8 row 5": (3,),
}
HEDGED: frozenset[Place] = frozenset(
    (row, number) for row, numbers in _HEDGED.items() for number in numbers
)

SURE = [text for place, text in PRINTED.items() if place not in HEDGED]

# Table 8 row 4 number 1, whose end the print lost.
BROKEN_OFF = (
    "stands prominently on the railroad tracks, its sleek silver body contrasting against the blue "
    "sky. its windows reflect the surrounding environment, mirroring the surrounding environment. "
    "the train appears ready for departure, its"
)

# arXiv 2502.02589 (COCONut-PanCap), figures 1 and 10.
TASK_TALK = [
    "The image shows a meal plate with various labeled regions.",
    "Together, the scene captures a moment of playful interaction, grounded by the mask numbers "
    "for clarity and detail.",
    "The image highlights <1:a white dog>, standing on the <0:lush green grass>, exuding a lively "
    "demeanor.",
]

# RegionGPT (CVPR 2024), figures 1 and 3.
GUESSES = [
    "It is placed on the grass, likely for the dog to play with or for the owner to use during a "
    "game.",
    "The basketball is likely made of rubber with a leather or synthetic cover.",
    "It appears to be made of a soft, textured material, possibly a woven or knitted fabric.",
    "The writing appears to be in a foreign language, and the item is placed on a surface, "
    "possibly a table or a floor.",
    "The style of the carpet suggests a traditional or classic design.",
]
CLOSE_UP = "The carpet in the close-up region is brown and has a rectangular shape."
