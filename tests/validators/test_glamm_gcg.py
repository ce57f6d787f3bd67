"""Files for grounded conversation generation: every kind of finding, and its mending."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from annoengine.checks.gcg_checks import check_grounding
from annoengine.checks.gcg_talks import check_talk
from annoengine.checks.list_pass import ListTask, died
from annoengine.validator import Finding, Rules
from annoengine.validators.glamm_gcg import GlammGcg
from tests.validators.broken import check

TEXT = "A man by a man in red near the sky."
LEFT = {"size": [2, 2], "counts": [0, 2, 2]}
"""The left column of a picture of four pixels, and other masks of it, as pycocotools packs them."""
RIGHT, ALL = {"size": [2, 2], "counts": "22"}, {"size": [2, 2], "counts": "04"}


def entry(**values: Any) -> dict[str, Any]:
    """A right entry of a list of groundings."""
    return {
        "file_name": "1.jpg",
        "caption": TEXT,
        "groundings": {
            "A man": {"token_positives": [0, 5], "rle_masks": [RIGHT]},
            "the sky": {"token_positives": [27, 34], "rle_masks": [LEFT, RIGHT]},
        },
        **values,
    }


def grounded(**groundings: Any) -> dict[str, Any]:
    """A right entry but for a grounding of the sky."""
    return entry(groundings={"the sky": {**entry()["groundings"]["the sky"], **groundings}})


def write(path: Path, value: Any) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def codes(found: list[Finding]) -> list[tuple[str, bool]]:
    return [(finding.code, finding.fixable) for finding in found]


TWICE = (
    '[{"file_name": "1.jpg", "caption": "A man by a man in red.", "groundings": {'
    '"a man": {"token_positives": [9, 14], "rle_masks": [{"size": [2, 2], "counts": "04"}]}, '
    '"a man": {"token_positives": [9, 14], "rle_masks": [{"size": [2, 2], "counts": "22"}]}}}]'
)


@pytest.mark.parametrize(
    ("entries", "code", "fixable"),
    [
        (["x"], "file-malformed", False),
        ([{"groundings": {}}], "entry-malformed", False),
        (TWICE.replace('"caption"', "caption"), "entry-malformed", False),
        ([entry(file_name="../1.jpg")], "unsafe-path", False),
        ([entry(), entry()], "image-twice", False),
        ([entry(groundings={})], "entry-ungrounded", False),
        ([entry(caption='""')], "caption-empty", False),
        ([entry(caption="I cannot see the image.")], "caption-refusal", False),
        ([entry(caption=TEXT + " <p>")], "caption-holds-marker", False),
        ([entry(groundings={"the sky": [27, 34]})], "grounding-malformed", False),
        ([grounded(token_positives=None)], "grounding-malformed", True),
        ([grounded(token_positives=[27, 77])], "place-outside", True),
        ([grounded(token_positives=[27, 27])], "place-outside", True),
        ([grounded(token_positives=[0, 5])], "place-of-other-words", True),
        ([grounded(rle_masks=[])], "grounding-malformed", False),
        ([grounded(rle_masks=[[0, 0, 1, 1]])], "grounding-malformed", False),
        ([grounded(rle_masks=[{"size": [2, 2], "counts": "2"}])], "rle-malformed", False),
        ([grounded(rle_masks=[{"size": [2, 2], "counts": "4"}])], "rle-empty", False),
        ([grounded(rle_masks=[RIGHT, {**RIGHT, "size": [1, 2]}])], "rle-size-differs", False),
        ([grounded(rle_masks=[RIGHT, ALL])], "masks-overlap", True),
        ([entry(groundings={
            "A man by": {"token_positives": [0, 8], "rle_masks": [ALL]},
            "by a": {"token_positives": [6, 10], "rle_masks": [ALL]},
        })], "places-overlap", False),
        (TWICE, "phrase-key-twice", False),
        (TWICE.replace("9, 14", "2, 5", 1).replace('"a man"', '"man"'), "phrase-key-twice", True),
    ],
)  # fmt: skip
def test_every_kind_of_fault_of_a_grounding(
    entries: Any, code: str, fixable: bool, tmp_path: Path
) -> None:
    found = check(write(tmp_path / "a.json", entries), GlammGcg)
    assert (code, fixable) in codes(found), [finding.line() for finding in found]


def test_right_groundings_are_clean(tmp_path: Path) -> None:
    again = {
        "A man": {"token_positives": [0, 5], "rle_masks": [ALL]},
        "a man in": {"token_positives": [9, 14], "rle_masks": [ALL]},
        "sky (2)": {"token_positives": [31, 34], "rle_masks": [ALL]},
    }
    entries = [entry(), entry(file_name="2.jpg", groundings=again)]
    path = write(tmp_path / "a.json", entries)
    assert GlammGcg.recognises(path)
    assert check(path, GlammGcg) == []


def test_what_stands_once_is_put_in_its_place(tmp_path: Path) -> None:
    """Places in the caption as it is stored, at other words, and of a phrase said twice."""
    stored = '"' + TEXT + '"'
    shifted = {"the sky": {"token_positives": [28, 35], "rle_masks": [ALL]}}
    twice = {"man": {"token_positives": [9, 14], "rle_masks": [ALL]}}
    entries = [
        entry(file_name="1.jpg", caption=stored, groundings=shifted),
        {**grounded(token_positives=[5, 9], rle_masks=[RIGHT, ALL]), "file_name": "2.jpg", "x": 1},
        entry(file_name="3.jpg", groundings=twice),
        entry(file_name="4.jpg"),
    ]
    spaced = ",\n".join(json.dumps(one, indent=1) for one in entries)
    path = write(tmp_path / "a.json", f"[ {spaced}]\n")
    target = tmp_path / "mended" / "a.json"
    target.parent.mkdir()
    found = list(GlammGcg(Rules()).fix(GlammGcg.dataset(path, None, None), target))
    assert [(f.code, f.image_file, f.fixable) for f in found] == [
        ("place-of-other-words", "1.jpg", True),
        ("place-of-other-words", "2.jpg", True),
        ("masks-overlap", "2.jpg", True),
        ("place-of-other-words", "3.jpg", False),
    ]
    one, two, three, four = json.loads(target.read_text())
    assert one["groundings"]["the sky"]["token_positives"] == [27, 34]
    assert two["groundings"]["the sky"] == {"token_positives": [27, 34], "rle_masks": [ALL]}
    assert two["x"] == 1
    assert (three, four) == (entries[2], entries[3])
    # What was right is the same to the byte.
    assert target.read_text().endswith(json.dumps(entries[3], indent=1) + "]\n")
    reported = list(map(json.loads, (tmp_path / "mended/a.changes.jsonl").read_text().splitlines()))
    assert [row["kinds"] for row in reported] == [
        ["place-of-other-words"],
        ["place-of-other-words", "masks-overlap"],
    ]
    assert json.loads(reported[0]["before"]) == entries[0]
    assert json.loads(reported[0]["after"]) == one
    again = check(target, GlammGcg)
    assert [(f.image_file, f.fixable) for f in again] == [("3.jpg", False)]


def test_phrases_that_share_a_key_are_kept_apart(tmp_path: Path) -> None:
    text = TWICE.replace("9, 14", "2, 5", 1).replace("9, 14", "11, 14").replace('"a man"', '"man"')
    path = write(tmp_path / "a.json", text)
    list(GlammGcg(Rules()).fix(GlammGcg.dataset(path, None, None), tmp_path / "b.json"))
    ((mended),) = json.loads((tmp_path / "b.json").read_text())
    assert mended["groundings"] == {
        "man": {"token_positives": [2, 5], "rle_masks": [ALL]},
        "man in": {"token_positives": [11, 14], "rle_masks": [RIGHT]},
    }
    assert check(tmp_path / "b.json", GlammGcg) == []


def talk(answer: str, **values: Any) -> dict[str, Any]:
    """An entry of conversations with this answer."""
    return {
        "id": "1",
        "image": "1.jpg",
        "conversations": [
            {"from": "human", "value": "The <image> is here. What is in it?"},
            {"from": "gpt", "value": answer},
        ],
        "segments": [[1], [2]],
        "masks": [[ALL], [LEFT, RIGHT]],
        **values,
    }


ANSWER = "<p> A man </p> [SEG] under <p> the sky </p> [SEG]."


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([talk(ANSWER, image=None)], "entry-malformed"),
        ([talk(ANSWER, id=None)], "entry-malformed"),
        ([talk(ANSWER), talk(ANSWER)], "entry-id-twice"),
        ([talk(ANSWER), 3], "file-malformed"),
        ([talk(ANSWER), {"id": "2", "masks": []}], "turns-malformed"),
        ([talk(ANSWER, conversations=[{"from": "gpt", "value": ANSWER}])],
         "roles-do-not-alternate"),
        ([talk(ANSWER + " <image>")], "image-token-misplaced"),
        ([talk("")], "turn-empty"),
        ([talk("<p> </p> [SEG] <p> sky </p> [SEG]")], "phrase-tag-malformed"),
        ([talk("<p> A man </p> under <p> the sky </p> [SEG] [SEG]")], "phrase-tag-malformed"),
        ([talk("<p> A man under <p> the sky </p> [SEG] [SEG]")], "phrase-tag-malformed"),
        ([talk("A man [SEG] <p> the sky </p> [SEG]")], "phrase-tag-malformed"),
        ([talk(ANSWER.replace("[SEG].", "."))], "token-count-differs"),
        ([talk(ANSWER, segments=[[1]])], "token-count-differs"),
        ([talk(ANSWER + " <3: A dog>.")], "tag-left-over"),
        ([talk(ANSWER, masks=4)], "grounding-malformed"),
        ([talk(ANSWER, masks=[[ALL], []])], "grounding-malformed"),
        ([talk(ANSWER, masks=[[ALL], [{"size": [2, 2], "counts": "4"}]])], "rle-empty"),
    ],
)  # fmt: skip
def test_every_kind_of_fault_of_a_conversation(
    entries: list[Any], code: str, tmp_path: Path
) -> None:
    found = check(write(tmp_path / "a.json", entries), GlammGcg)
    assert code in {finding.code for finding in found}, [finding.line() for finding in found]


def test_right_conversations_are_clean(tmp_path: Path) -> None:
    pancaper = "<p> A man </p> <SEG_t> under <p> the sky </p> <SEG_s>."
    assert check(write(tmp_path / "a.json", [talk(ANSWER)]), GlammGcg) == []
    assert check(write(tmp_path / "b.json", [talk(pancaper)]), GlammGcg) == []


def pair(folder: Path, captions: list[Any], masks: list[Any], **more: Any) -> list[Finding]:
    """The findings of the evaluation's two files of one image."""
    images = [{"id": "1", "file_name": "1.jpg", "width": 2, "height": 2}]
    truth = {"images": images, "annotations": captions, **more}
    path = write(folder / "val_gcg_coco_caption_gt.json", truth)
    if masks:
        write(folder / "val_gcg_coco_mask_gt.json", {"images": images, "annotations": masks})
    return check(path, GlammGcg)


CAPTION = {"id": 1, "image_id": "1", "caption": "A man.", "labels": ["A man"]}
MASK = {"id": 1, "image_id": "1", "category_id": 1, "segmentation": ALL}


@pytest.mark.parametrize(
    ("captions", "masks", "code"),
    [
        ([CAPTION], [], "mask-file-missing"),
        ([CAPTION], [MASK, MASK], "label-count-differs"),
        ([CAPTION], [{**MASK, "category_id": 2}], "mask-category-not-1"),
        ([CAPTION], [MASK, {**MASK, "image_id": "2"}], "mask-without-caption"),
        ([CAPTION, CAPTION], [MASK], "caption-twice"),
        ([{**CAPTION, "image_id": 1}], [MASK], "annotation-malformed"),
        ([{**CAPTION, "labels": None}, CAPTION], [MASK], "annotation-malformed"),
        ([{**CAPTION, "labels": [" "]}], [MASK], "phrase-empty"),
        ([{**CAPTION, "labels": ["a dog"]}], [MASK], "phrase-not-in-caption"),
        ([{**CAPTION, "caption": " "}], [MASK], "caption-empty"),
    ],
)
def test_every_kind_of_fault_of_the_evaluations_files(
    captions: list[Any], masks: list[Any], code: str, tmp_path: Path
) -> None:
    assert code in {finding.code for finding in pair(tmp_path, captions, masks)}


def test_right_files_of_the_evaluation_are_clean(tmp_path: Path) -> None:
    assert pair(tmp_path, [CAPTION], [MASK]) == []
    other = [{"id": "5", "file_name": "1.jpg"}]
    found = pair(
        tmp_path, [{**CAPTION, "image_id": "5"}], [{**MASK, "image_id": "5"}], images=other
    )
    assert [finding.line() for finding in found] == [
        "image 5 (1.jpg): 1.jpg is predicted in 1.json, not 5.json"
    ]
    (tmp_path / "val_gcg_coco_mask_gt.json").write_text("{")
    found = check(tmp_path / "val_gcg_coco_caption_gt.json", GlammGcg)
    assert "file-malformed" in {finding.code for finding in found}


PREDICTION = {"image_id": "1", "caption": "A man.", "phrases": ["A man"], "pred_masks": [ALL]}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("{", "prediction-malformed"),
        ([1], "prediction-malformed"),
        ({**PREDICTION, "phrases": 1}, "prediction-malformed"),
        ({**PREDICTION, "image_id": "7"}, "prediction-name-differs"),
        ({**PREDICTION, "caption": None}, "caption-empty"),
        ({**PREDICTION, "phrases": [""]}, "phrase-empty"),
        ({**PREDICTION, "phrases": ["a dog"]}, "phrase-not-in-caption"),
        ({**PREDICTION, "pred_masks": []}, "mask-count-differs"),
        ({**PREDICTION, "phrase_seg_counts": [2]}, "mask-count-differs"),
        ({**PREDICTION, "phrase_seg_counts": "1"}, "mask-count-differs"),
        ({**PREDICTION, "pred_masks": [[1]]}, "rle-malformed"),
        ({**PREDICTION, "pred_masks": [{"size": [2, 2], "counts": "4"}]}, "rle-empty"),
    ],
)
def test_every_kind_of_fault_of_a_prediction(value: Any, code: str, tmp_path: Path) -> None:
    write(tmp_path / "1.json", value)
    write(tmp_path / "2.json", {**PREDICTION, "image_id": 2, "phrase_seg_counts": [1]})
    assert GlammGcg.recognises(tmp_path)
    found = check(tmp_path, GlammGcg)
    assert {finding.image_file for finding in found} == {"1.json"}
    assert code in {finding.code for finding in found}, [finding.line() for finding in found]


def test_tasks_and_reports_go_to_other_processes() -> None:
    for given, function in ((entry(), check_grounding), (talk(ANSWER), check_talk)):
        task = ListTask("a.json", Rules(), None, 0, json.dumps(given).encode())
        report = function(pickle.loads(pickle.dumps(task)))
        assert pickle.loads(pickle.dumps(report)) == report
        assert not report.findings
        assert [finding.code for finding in died(task, "it died").findings] == ["check-died"]
