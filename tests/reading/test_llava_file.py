"""LLaVA files, and which of their entries belong to a subset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from annoengine.errors import InputError
from annoengine.reading.llava_file import image_key, read_llava
from annoengine.reading.llava_subsets import open_subset


def talk(id: str, image: str | None, *turns: str) -> dict[str, Any]:
    """An entry; the turns are the human's and the model's by turns."""
    entry: dict[str, Any] = {"id": id}
    if image is not None:
        entry["image"] = image
    speakers = ("human", "gpt")
    entry["conversations"] = [
        {"from": speakers[at % 2], "value": text} for at, text in enumerate(turns)
    ]
    return entry


DETAIL = talk(
    "9", "coco/train2017/000000000009.jpg", "Describe the following image.\n<image>", "A."
)
REASON = talk("9", "coco/train2017/000000000009.jpg", "<image>\nWhy is the lunch blue?", "B.")
CHAT = talk(
    "9",
    "coco/train2017/000000000009.jpg",
    "<image>\nWhat's happening in the scene?",
    "C.",
    "And why?",
    "D.",
)
TEXT = talk("sharegpt_1", None, "Describe the following image.", "There is none.")
OTHER = talk("10", "vg/VG_100K/10.jpg", "<image>\nWhat is this photo about'?", "E.")


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def members(subset: str, file: Path) -> list[int]:
    belongs = open_subset(subset)
    return [entry.position for entry in read_llava(file) if belongs(entry)]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    return write(tmp_path / "mix.json", [REASON, DETAIL, TEXT, CHAT, OTHER])


def test_entries_are_read_with_their_bytes(mixed: Path) -> None:
    entries = list(read_llava(mixed))
    assert [(e.id, e.image is None, len(e.turns)) for e in entries] == [
        ("9", False, 2),
        ("9", False, 2),
        ("sharegpt_1", True, 2),
        ("9", False, 4),
        ("10", False, 2),
    ]
    assert entries[1].question == "Describe the following image."
    data = mixed.read_bytes()
    for entry, value in zip(entries, [REASON, DETAIL, TEXT, CHAT, OTHER], strict=True):
        assert json.loads(entry.raw) == value
        assert data[entry.start : entry.start + len(entry.raw)] == entry.raw
        start, end = entry.answer_place()
        assert json.loads(data[start:end]) == value["conversations"][1]["value"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1], "[0] is no object"),
        ([{"id": "a"}], "entry 0 ('a') has no list 'conversations'"),
        ([DETAIL, {"id": 7, "image": 3}], "entry 1 (7): 'image' is 3; a relative path is needed"),
        (
            [{"id": "a", "conversations": [{"from": "human"}]}],
            "entry 0 ('a'): turn 0 has no text 'from' and 'value'",
        ),
        ({"a": []}, "holds an object; LLaVA's files are a list of conversations"),
    ],
)
def test_what_is_no_conversation_is_told_with_its_place(
    value: Any, words: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "talks.json", value)
    with pytest.raises(InputError) as caught:
        list(read_llava(file))
    assert words in str(caught.value)
    assert str(file) in str(caught.value)


def test_detail_23k_is_known_by_a_question_and_one_answer(mixed: Path) -> None:
    """Not reasoning, not a longer conversation that begins alike, not a text without a picture."""
    assert members("detail_23k", mixed) == [1, 4]


def test_a_file_of_the_subset_tells_entries_of_one_id_apart(mixed: Path, tmp_path: Path) -> None:
    bare = {**REASON, "image": "COCO_train2014_000000000009.jpg"}
    subset = write(tmp_path / "reasoning.json", [bare])
    assert members(str(subset), mixed) == [0]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_list_of_ids_must_name_each_entry_alone(
    as_json: bool, mixed: Path, tmp_path: Path
) -> None:
    def ids(*ids: str) -> str:
        file = tmp_path / "ids"
        file.write_text(json.dumps(ids) if as_json else "\n".join(ids) + "\n\n", encoding="utf-8")
        return str(file)

    assert members(ids("10", "11"), mixed) == [4]
    with pytest.raises(InputError) as caught:
        members(ids("9"), mixed)
    assert str(caught.value) == (
        f"{tmp_path / 'ids'} lists '9', which is the id of several entries; give LLaVA's own file "
        "of the subset, whose questions tell them apart"
    )


def test_a_subset_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        open_subset("detail_32k")
    assert str(caught.value).startswith("there is no subset 'detail_32k': detail_23k is known by")
    with pytest.raises(InputError, match=r"lists 1\.5; ids, or entries with conversations"):
        open_subset(str(write(tmp_path / "ids.json", [1.5])))


def test_photographs_are_known_by_cocos_number_or_their_name() -> None:
    paths = ("train2017/000000000009.jpg", "COCO_val2014_000000000009.jpg", "x/000000000009.png")
    assert {image_key(path) for path in paths} == {"000000000009"}
    assert [image_key(p) for p in ("9.jpg", "a/9.jpg", "9.png")] == ["9.jpg", "9.jpg", "9.png"]
