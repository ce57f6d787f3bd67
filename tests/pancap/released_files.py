"""A cache folder as the authors' scripts leave it: names, keys, numbers and stray spaces.

Made by hand. The second image's judge wrote nonsense.
"""

from __future__ import annotations

import json
from pathlib import Path

GT_ENTITIES = """\
1 | entity -->> (whole, dog)
2 | entity -->> (whole, ball)
3 | location -->> (entity 1, [0.10, 0.20, 0.50, 0.90])
4 | location -->> (entity 2, [0.60, 0.70, 0.80, 0.90])
"""
PRED_ENTITIES = """\
1 | entity -->> (whole, ball)
2 | entity -->> (whole, dog)
3 | entity -->> (part, tail)
4 | location -->> (entity 1, [0.60, 0.70, 0.80, 0.90])
5 | location -->> (entity 2, [0.10, 0.20, 0.50, 0.60])
"""
TEXTS = {
    "GT/content/sapancap_test_content.json": GT_ENTITIES
    + """\
5 | attribute -->> (entity 1, "entity 1 is brown")
6 | attribute -->> (entity 2, "entity 2 is red")
7 | relation -->> (entity 1, entity 2, "entity 1 is next to entity 2")
8 | global -->> ("the scene is calm")""",
    "GT/questions/sapancap_test_question.json": GT_ENTITIES
    + """\
5 | attribute -->> (entity 1, "Is entity 1 brown?", "Is entity 1 white?")
6 | attribute -->> (entity 2, "Is entity 2 red?", "Is entity 2 blue?")
7 | relation -->> (entity 1, entity 2, "Is entity 1 next to entity 2?", "Is entity 1 on entity 2?")
8 | global -->> ("Is the scene calm?", "Is the scene busy?")""",
    "mine/content/sapancap_test_content.json": PRED_ENTITIES
    + """\
6 | attribute -->> (entity 2, "entity 2 is brown")
7 | attribute -->> (entity 2, "entity 2 is asleep")
8 | attribute -->> (entity 3, "entity 3 is short")
9 | global -->> ("the scene is calm")""",
    "mine/content/sapancap_test_pred_question.json": PRED_ENTITIES
    + """\
6 | attribute -->> (entity 2, "Is entity 2 brown?", "Is entity 2 black?")
7 | attribute -->> (entity 2, "Is entity 2 asleep?", "Is entity 2 awake?")
8 | attribute -->> (entity 3, "Is entity 3 short?", "Is entity 3 long?")
9 | global -->> ("Is the scene calm?", "Is the scene wild?")""",
    # Renumbered from the last of the other caption's lines on.
    "mine/content/sapancap_test_gt4pred_question.json": PRED_ENTITIES
    + '5 | attribute -->> (entity 2, "Is entity 2 brown?", "Is entity 2 white?") \n'
    '6 | attribute -->> (entity 1, "Is entity 1 red?", "Is entity 1 blue?") \n'
    '7 | relation -->> (entity 2, entity 1, "Is entity 2 next to entity 1?", "Is entity 2 on '
    'entity 1?") \n'
    '8 | global -->> ("Is the scene calm?", "Is the scene busy?") \n',
    "mine/content/sapancap_test_pred4gt_question.json": GT_ENTITIES
    + '4 | attribute -->> (entity 1, "Is entity 1 brown?", "Is entity 1 black?") \n'
    '5 | attribute -->> (entity 1, "Is entity 1 asleep?", "Is entity 1 awake?") \n'
    '6 | global -->> ("Is the scene calm?", "Is the scene wild?") \n',
    "mine/content/sapancap_test_pred_answer.json": PRED_ENTITIES
    + """\
5 | attribute -->> (entity 2, "Yes", "No")
6 | attribute -->> (entity 1, "No", "No")
7 | relation -->> (entity 2, entity 1, "No", "Yes")
8 | global -->> ("Yes", "No")""",
    "mine/content/sapancap_test_gt_answer.json": GT_ENTITIES
    + """\
4 | attribute -->> (entity 1, "Yes", "No")
5 | attribute -->> (entity 1, "No", "No")
6 | global -->> ("Yes", "Yes")""",
}
_KEYS = {"content.json": "all_content", "question.json": "questions", "answer.json": "answers"}
_MADE_FROM = {
    "content.json": ("caption_file",),
    "question.json": ("caption_file",),
    "4pred_question.json": ("gt_file", "cand_file"),
    "4gt_question.json": ("gt_file", "cand_file"),
    "answer.json": ("original_file",),
}
IMAGES = ("/data/sam/sa_000000/sa_1931.jpg", "/data/sam/sa_000000/sa_6504.jpg")


def released(folder: Path, *left_out: str) -> Path:
    """The folder, without the files whose names end so."""
    for name, text in TEXTS.items():
        if name.endswith(left_out or ("-",)):
            continue
        key = next(key for ending, key in _KEYS.items() if name.endswith(ending))
        # The longest ending is the last that fits.
        files = [files for ending, files in _MADE_FROM.items() if name.endswith(ending)][-1]
        second = "I cannot say." if key == "answers" else text
        entries = [
            {"image_path": image, **dict.fromkeys(files, "./tmp/a.json"), key: one}
            for image, one in zip(IMAGES, (text, second), strict=True)
        ]
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entries, indent=4))
    return folder
