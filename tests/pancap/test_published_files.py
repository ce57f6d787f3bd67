"""The authors' JSON lists, read and written to the letter, and what is told of a wrong one."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from annoengine.errors import InputError
from annoengine.pancap.published_files import (
    ANSWERS,
    CAPTIONS,
    CONTENT,
    MAPPED_QUESTIONS,
    PREDICTIONS,
    QUESTIONS,
    ListKind,
    ListWriter,
    PublishedList,
    is_path_list,
    list_beside,
    read_list,
    read_paths,
    short_path,
    unpad_boxes,
    write_list,
)

TEXTS = [
    ("sam/sa_000000/sa_1931.jpg", "1 | entity -->> (whole, “flower”)\n2 | …"),
    ("sam/sa_000000/sa_6504.jpg", ""),
]


@pytest.mark.parametrize(
    ("kind", "files", "keys"),
    [
        (CAPTIONS, (), ["image_path", "gt_response"]),
        (PREDICTIONS, (), ["image_path", "model_response"]),
        (CONTENT, ("a.json",), ["image_path", "caption_file", "all_content"]),
        (QUESTIONS, ("a.json",), ["image_path", "caption_file", "questions"]),
        (MAPPED_QUESTIONS, ("a", "b"), ["image_path", "gt_file", "cand_file", "questions"]),
        (ANSWERS, ("a.json",), ["image_path", "original_file", "answers"]),
    ],
)
def test_a_list_is_written_as_published_and_read_again(
    tmp_path: Path, kind: ListKind, files: tuple[str, ...], keys: list[str]
) -> None:
    path = tmp_path / "list.json"
    assert write_list(path, kind, TEXTS, *files) == 2
    text = path.read_text(encoding="ascii")
    values = json.loads(text)
    assert [list(value) for value in values] == [keys, keys]
    assert text == json.dumps(values, indent=4)
    assert list(read_list(path, kind)) == TEXTS
    assert [found.name for found in tmp_path.iterdir()] == ["list.json"]


def test_an_empty_list_is_a_list(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    assert write_list(path, CAPTIONS, []) == 0
    assert path.read_text() == json.dumps([], indent=4)
    assert list(read_list(path, CAPTIONS)) == []


def test_the_files_that_a_list_was_made_from_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mapped questions name 2 files, not 1"):
        write_list(tmp_path / "list.json", MAPPED_QUESTIONS, TEXTS, "a")
    assert not list(tmp_path.iterdir())


def test_what_breaks_off_leaves_no_list(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    write_list(path, CAPTIONS, TEXTS)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_list(path, CAPTIONS, [TEXTS[0], ("a", object())])  # type: ignore[list-item]
    assert path.read_bytes() == before


def test_images_are_compared_by_three_components(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    write_list(path, CAPTIONS, [("/disk/data/" + image, text) for image, text in TEXTS])
    with PublishedList(path, CAPTIONS) as published:
        assert published.images == [image for image, _ in TEXTS]
        assert published.get("/elsewhere/sam/sa_000000/sa_1931.jpg") == TEXTS[0][1]
        assert published.get("sam/sa_000000/sa_6504.jpg") == ""
        assert published.get("sam/sa_000001/sa_6504.jpg") is None
    assert short_path("a.jpg") == "a.jpg"
    assert short_path("C:\\x\\sam\\sa_1\\a.jpg") == "sam/sa_1/a.jpg"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[{"image_path": "a.jpg", "model_response": "A dog."}]',
            r"list\.json: \[0\] has no 'gt_response'\. Did you mean 'model_response'\? "
            r'reference captions are a JSON list of \{"image_path": …, "gt_response": …\}',
        ),
        ('[{"gt_response": "A dog."}]', r"\[0\] has no 'image_path'\. Known: gt_response\."),
        (
            '[{"image_path": "a", "gt_response": "x"}, {"image_path": "b", "gt_response": null}]',
            r"\[1\] has the gt_response None; a text is needed",
        ),
        ('[["a.jpg", "A dog."]]', r"\[0\] is no object"),
        ('[{"image_path": "a.jpg", "gt_resp', r"not valid JSON|ends"),
        ('{"image_path": "a.jpg"}', r"reference captions are a JSON list"),
    ],
)
def test_a_wrong_list_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        list(read_list(path, CAPTIONS))
    with pytest.raises(InputError, match=told):
        PublishedList(path, CAPTIONS)


def test_a_missing_file_and_an_image_listed_twice_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json cannot be read: No such file"):
        PublishedList(tmp_path / "none.json", CAPTIONS)
    path = tmp_path / "list.json"
    write_list(path, CAPTIONS, [TEXTS[0], TEXTS[1], ("other/" + TEXTS[0][0], "again")])
    with pytest.raises(
        InputError,
        match=r"\[2\] is of the image 'sam/sa_000000/sa_1931\.jpg', as is \[0\]; keep one",
    ):
        PublishedList(path, CAPTIONS)


def test_boxes_of_the_padded_square_become_shares_of_the_image() -> None:
    # 400 × 200: the square has the side 400, 100 rows of padding above and below.
    # x 250/1000 · 400 / 400 = 0.25; y (500/1000 · 400 − 100) / 200 = 0.5
    text = "A dog <box>[[250, 500, 1000, 999]]</box> and <box>[[0, 0, 1, 2]]</box>, [[1, 2, 3, 4]]."
    # y 999: (399.6 − 100) / 200 > 1, kept at 1; y 0 and 2: below 0, kept at 0
    assert unpad_boxes(text, (400, 200)) == (
        "A dog [[0.250, 0.500, 1.000, 1.000]] and [[0.000, 0.000, 0.001, 0.000]], [[1, 2, 3, 4]]."
    )
    # 100 × 301: the padding of 201 is 100 on the left.
    # x (500/1000 · 301 − 100) / 100 = 0.505; y 250/1000 · 301 / 301 = 0.25
    assert unpad_boxes("<box>[[500, 250, 600, 500]]</box>", (100, 301)) == (
        "[[0.505, 0.250, 0.806, 0.500]]"
    )


def test_a_data_list_is_read_path_by_path(tmp_path: Path) -> None:
    paths = [f"sam/sa_000000/sa_{n}.jpg" for n in range(9_000)]
    for indent in (None, 4):
        (tmp_path / "list.json").write_text(json.dumps(paths, indent=indent))
        assert list(read_paths(tmp_path / "list.json")) == paths
    (tmp_path / "list.json").write_text("[ ]\n")
    assert list(read_paths(tmp_path / "list.json")) == []
    assert not is_path_list(tmp_path / "list.json")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", r"it begins '\{\}'"),
        ("[1]", r"\[0\] is 1"),
        ('["a.jpg"', r"\[1\] is broken or missing"),
        ('["a.jpg", "b', r"\[1\] is broken or missing"),
        ('["a.jpg"] x', r"\[1\] is broken or missing"),
    ],
)
def test_what_is_no_data_list_is_said(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(InputError, match=f"a data list is a JSON list of image paths; {why}"):
        list(read_paths(tmp_path / "list.json"))
    with pytest.raises(InputError, match="it cannot be read"):
        list(read_paths(tmp_path / "gone.json"))


def test_a_list_that_is_not_finished_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "x_gtcaption.json"
    with contextlib.suppress(ZeroDivisionError), ListWriter(path, CAPTIONS) as file:
        file.add("a.jpg", "A dog.")
        raise ZeroDivisionError
    assert not path.exists()
    with ListWriter(path, CAPTIONS) as file:
        file.add("a.jpg", "A dög.")
    assert dict(read_list(path, CAPTIONS)) == {"a.jpg": "A dög."}
    assert list_beside(path) is None
    (tmp_path / "x_data_list.json").write_text("[]")
    assert list_beside(path) == tmp_path / "x_data_list.json"
