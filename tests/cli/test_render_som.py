"""``annoengine render-som``: pictures, the list of marks, and a sentence for every mistake."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from annoengine.cli import app
from annoengine.mask import rle_from_mask, write_panoptic_png
from tests.tiny_coco import CATEGORIES


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two images of 160 × 120: a sky, a person, a tiny person, a crowd."""
    (tmp_path / "images").mkdir()
    (tmp_path / "panoptic").mkdir()
    ids = np.full((120, 160), 500, dtype=np.uint32)
    ids[40:110, 20:70] = 70_000
    ids[20:24, 120:124] = 3
    ids[80:120, 100:160] = 9
    images, annotations = [], []
    for number, name in ((11, "first"), (12, "second")):
        Image.new("RGB", (160, 120), (90, 120, 200)).save(tmp_path / "images" / f"{name}.jpg")
        write_panoptic_png(tmp_path / "panoptic" / f"{name}.png", ids)
        images.append({"id": number, "file_name": f"{name}.jpg", "width": 160, "height": 120})
        annotations.append(
            {
                "image_id": number,
                "file_name": f"{name}.png",
                "segments_info": [
                    {
                        "id": id,
                        "category_id": category,
                        "iscrowd": int(id == 9),
                        "area": int((ids == id).sum()),
                        "bbox": bbox,
                    }
                    for id, category, bbox in (
                        (70_000, 1, [20, 40, 50, 70]),
                        (9, 1, [100, 80, 60, 40]),
                        (500, 187, [0, 0, 160, 120]),
                        (3, 1, [120, 20, 4, 4]),
                    )
                ],
            }
        )
    (tmp_path / "panoptic_val2017.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": CATEGORIES})
    )
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["render-som", *map(str, arguments)])


def given(data: Path) -> list[object]:
    return [
        "--panoptic",
        data / "panoptic",
        "--annotations",
        data / "panoptic_val2017.json",
    ]


def sentence(*arguments: object) -> str:
    """The sentence of a command that is mistaken."""
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("annoengine: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("annoengine: ").rstrip("\n")


def test_one_image(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.png"
    done = run(data / "images" / "first.jpg", *given(data), "-o", output)
    assert done.exit_code == 0, done.output
    assert done.stdout == (f"{output}: 3 marks (1 beside their segment), 160 × 120 pixels\n")
    with Image.open(output) as image:
        assert image.format == "PNG"
        assert image.size == (160, 120)
        picture = np.asarray(image)
    with Image.open(data / "images" / "first.jpg") as image:
        photo = np.asarray(image)
    # The crowd is as it was.
    assert (picture[82:118, 102:158] == photo[82:118, 102:158]).all()
    assert (picture[40:110, 20:70] != photo[40:110, 20:70]).any()


def test_the_list_of_marks(data: Path, tmp_path: Path) -> None:
    marks_json = tmp_path / "lists" / "marks.json"
    done = run(
        data / "images" / "first.jpg", *given(data), "-o", tmp_path / "out.jpg",
        "--marks-json", marks_json,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith(f"{marks_json}: 3 marks listed\n")
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.format == "JPEG"
    (listed,) = json.loads(marks_json.read_bytes())
    assert listed["image"] == "first.jpg"
    assert listed["source"] == "coco_panoptic"
    assert listed["pictures"] == [
        {"file": "out.jpg", "size_wh": [160, 120], "scale": 1.0, "seen_wh": [160, 120]}
    ]
    marks: list[dict[str, Any]] = listed["marks"]
    assert [(m["mark"], m["segment"], m["category"]) for m in marks] == [
        (1, 70_000, "person"),
        (2, 500, "sky-other-merged"),
        (3, 3, "person"),
    ]
    assert [m["leader_xyxy"] is None for m in marks] == [True, True, False]
    assert all(m["legible"] and m["text_px"] >= 12 for m in marks)
    x, y = marks[0]["anchor_xy"]
    assert 20 <= x < 70
    assert 40 <= y < 110


def test_several_images_into_a_folder(data: Path, tmp_path: Path) -> None:
    images = [data / "images" / f"{name}.jpg" for name in ("second", "first")]
    done = run(*images, *given(data), "-o", tmp_path / "marked")
    assert done.exit_code == 0, done.output
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        str(tmp_path / "marked" / f"{name}.marked.png") for name in ("second", "first")
    ]
    first, second = (
        (tmp_path / "marked" / f"{n}.marked.png").read_bytes() for n in ("first", "second")
    )
    assert first == second


def test_the_picture_is_drawn_for_a_model(data: Path, tmp_path: Path) -> None:
    """A photograph of 1600 × 1200 is drawn at the 1024 × 768 that gpt-4o sees."""
    ids = np.full((1200, 1600), 500, dtype=np.uint32)
    ids[400:1100, 200:700] = 70_000
    ids[200:240, 1200:1240] = 3
    ids[800:1200, 1000:1600] = 9
    write_panoptic_png(data / "panoptic" / "first.png", ids)
    Image.new("RGB", (1600, 1200)).save(data / "images" / "first.jpg")
    image = data / "images" / "first.jpg"
    for model, size in (("openai/gpt-4o", "1024 × 768"), ("pixels", "1600 × 1200")):
        done = run(image, *given(data), "--for", model, "-o", tmp_path / "out.png")
        assert size in done.stdout


def test_a_single_png_of_any_name(data: Path, tmp_path: Path) -> None:
    png = (data / "panoptic" / "first.png").rename(tmp_path / "masks of first.png")
    done = run(
        data / "images" / "first.jpg", "--panoptic", png,
        "--annotations", data / "panoptic_val2017.json", "-o", tmp_path / "out.png",
    )  # fmt: skip
    assert done.exit_code == 0, done.output


def test_what_contradicts_itself(data: Path) -> None:
    first = data / "images" / "first.jpg"
    assert sentence(first, "--panoptic", data / "panoptic") == (
        "--annotations is missing: a panoptic PNG holds ids alone. Give the JSON file that says "
        "what they are"
    )
    assert sentence(first, "--masks", data / "panoptic", "--segmenter", "graph") == (
        "--masks and --segmenter both say where the segments are; give one"
    )
    assert sentence(
        first, data / "images" / "second.jpg", "--panoptic", data / "panoptic" / "first.png",
        "--annotations", data / "panoptic_val2017.json",
    ) == (
        f"--panoptic {data / 'panoptic' / 'first.png'} is one PNG for 2 images; give the folder"
    )  # fmt: skip


def test_the_pngs_beside_the_json(data: Path, tmp_path: Path) -> None:
    (data / "panoptic").rename(data / "panoptic_val2017")
    done = run(
        data / "images" / "first.jpg",
        "-a",
        data / "panoptic_val2017.json",
        "-o",
        tmp_path / "a.png",
    )
    assert done.exit_code == 0, done.output


def test_no_such_files(data: Path) -> None:
    gone = data / "images" / "third.jpg"
    assert sentence(gone, *given(data)) == f"there is no image {gone}"
    first = data / "images" / "first.jpg"
    assert sentence(first, "--panoptic", data / "nowhere", "--annotations", given(data)[3]) == (
        f"--panoptic {data / 'nowhere'}: there is no such file or folder"
    )
    assert sentence(first, "--panoptic", data / "panoptic", "--annotations", data / "no.json") == (
        f"--annotations {data / 'no.json'}: there is no such file or folder"
    )


def test_an_image_that_the_json_does_not_know(data: Path) -> None:
    other = (data / "images" / "first.jpg").rename(data / "images" / "frist.jpg")
    assert sentence(other, *given(data)) == (
        f"{data / 'panoptic_val2017.json'} has no image with the file name 'frist.jpg' "
        "(among 2). Did you mean 'first.jpg'?"
    )


def test_a_png_of_another_size(data: Path) -> None:
    write_panoptic_png(data / "panoptic" / "first.png", np.full((60, 80), 500, dtype=np.uint32))
    said = sentence(data / "images" / "first.jpg", *given(data))
    assert "160×120" in said
    assert "80×60" in said


def test_an_id_that_the_png_lacks(data: Path) -> None:
    ids = np.full((120, 160), 500, dtype=np.uint32)
    ids[40:110, 20:70] = 70_000
    ids[80:120, 100:160] = 9
    write_panoptic_png(data / "panoptic" / "first.png", ids)
    said = sentence(data / "images" / "first.jpg", *given(data))
    assert "do not name the same segments" in said
    assert "in the JSON alone 3" in said


def test_an_image_that_is_none(data: Path) -> None:
    (data / "images" / "first.jpg").write_text("<html>")
    assert "first.jpg" in sentence(data / "images" / "first.jpg", *given(data))


def test_outputs_that_cannot_be(data: Path, tmp_path: Path) -> None:
    first, second = (data / "images" / f"{name}.jpg" for name in ("first", "second"))
    assert sentence(first, *given(data), "-o", tmp_path / "out.gif") == (
        f"--output {tmp_path / 'out.gif'}: only .png and .jpg files can be written"
    )
    assert sentence(first, second, *given(data), "-o", tmp_path / "out.png") == (
        f"--output {tmp_path / 'out.png'} is one file for 2 images; name a folder"
    )
    assert sentence(first, *given(data), "-o", first) == (
        f"--output {first} is the image itself; name another file"
    )
    again = data / "first.jpg"
    again.write_bytes(first.read_bytes())
    assert sentence(first, again, *given(data), "-o", tmp_path / "folder") == (
        "two of the images have one name; mark them one at a time"
    )


def test_an_unknown_style(data: Path) -> None:
    assert sentence(data / "images" / "first.jpg", *given(data), "--style", "pix2cp") == (
        "no mark style called 'pix2cp'. Did you mean 'pix2cap'?"
    )


def test_the_jpeg_is_what_a_run_would_send(data: Path, tmp_path: Path) -> None:
    """The same picture again gives the same bytes."""
    for name in ("a.jpg", "b.jpg"):
        run(data / "images" / "first.jpg", *given(data), "-o", tmp_path / name)
    first = (tmp_path / "a.jpg").read_bytes()
    assert first == (tmp_path / "b.jpg").read_bytes()
    with Image.open(io.BytesIO(first)) as image:
        assert image.size == (160, 120)


def marked(tmp_path: Path, *arguments: object) -> tuple[str, Any]:
    """What the command said of one image, and what it listed."""
    done = run(*arguments, "-o", tmp_path / "out.png", "--marks-json", tmp_path / "marks.json")
    assert done.exit_code == 0, done.output
    (listed,) = json.loads((tmp_path / "marks.json").read_bytes())
    return done.stdout.splitlines()[0].removeprefix(f"{tmp_path / 'out.png'}: "), listed


def rows(listed: Any) -> list[tuple[int, int, str]]:
    return [(m["mark"], m["segment"], m["category"]) for m in listed["marks"]]


def test_coco_instances_by_file_name(data: Path, tmp_path: Path) -> None:
    """Polygons, both kinds of RLE, and a box alone; the crowd is not marked."""
    mask = np.zeros((120, 160), dtype=bool)
    mask[60:100, 90:150] = True
    rle = rle_from_mask(mask)
    runs = [20 * 120, 120 * 120, 20 * 120]
    shapes: list[dict[str, Any]] = [
        {"id": 31, "segmentation": [[10, 10, 60, 10, 60, 50, 10, 50]]},
        {"id": 32, "segmentation": rle},
        {"id": 33, "segmentation": {"size": [120, 160], "counts": runs}, "iscrowd": 1},
        {"id": 34, "bbox": [100, 10, 40, 30]},
    ]
    common = {"image_id": 12, "category_id": 1, "iscrowd": 0}
    annotations = [{**common, **shape} for shape in shapes]
    images = [{"id": 12, "file_name": "second.jpg", "width": 160, "height": 120}]
    path = data / "instances_val2017.json"
    path.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": CATEGORIES})
    )
    said, listed = marked(tmp_path, data / "images" / "second.jpg", "--annotations", path)
    assert said.startswith("3 marks")
    assert listed["source"] == "coco_instances"
    assert rows(listed) == [(1, 31, "person"), (2, 32, "person"), (3, 34, "person")]


def test_coconuts_bare_list_and_nearly_black_png(data: Path, tmp_path: Path) -> None:
    """Ids 1 to N in the red channel, isthing on the segment, no boxes, no images."""
    ids = np.full((120, 160), 1, dtype=np.uint32)
    ids[40:110, 20:70] = 2
    write_panoptic_png(data / "panoptic" / "first.png", ids)
    infos = [
        {"id": 1, "category_id": 187, "iscrowd": 0, "isthing": 0, "area": 15_700},
        {"id": 2, "category_id": 1, "iscrowd": 0, "isthing": 1, "area": 3_500},
    ]
    path = data / "coconut.json"
    path.write_text(
        json.dumps([{"file_name": "first.png", "image_id": 11, "segments_info": infos}])
    )
    said, listed = marked(
        tmp_path, data / "images" / "first.jpg", "-a", path, "--panoptic", data / "panoptic"
    )
    assert said == "2 marks, 160 × 120 pixels"
    assert rows(listed) == [(1, 1, "sky-other-merged"), (2, 2, "person")]


def test_a_folder_of_masks(data: Path, tmp_path: Path) -> None:
    masks = data / "masks" / "first"
    masks.mkdir(parents=True)
    for name, columns in (("dog_1", slice(0, 60)), ("dog_2", slice(80, 160))):
        mask = np.zeros((120, 160), dtype=np.uint8)
        mask[20:110, columns] = 255
        Image.fromarray(mask).save(masks / f"{name}.png")
    said, listed = marked(
        tmp_path, data / "images" / "first.jpg", "--masks", data / "masks", "--style", "som"
    )
    assert said == "2 marks, 160 × 120 pixels"
    assert [row[2] for row in rows(listed)] == ["dog", "dog"]


def test_boxes(data: Path, tmp_path: Path) -> None:
    row = {
        "image": "first.jpg",
        "boxes": [
            {"box_xyxy": [10, 10, 70, 90], "category": "cat"},
            {"box_xyxy": [80, 20, 150, 110], "category": "dog"},
        ],
    }
    (data / "boxes.jsonl").write_text(json.dumps(row) + "\n")
    said, listed = marked(
        tmp_path, data / "images" / "first.jpg", "--boxes", data / "boxes.jsonl",
        "--style", "boxes",
    )  # fmt: skip
    assert said == "2 marks, 160 × 120 pixels"
    assert [row[2] for row in rows(listed)] == ["cat", "dog"]


def test_an_image_alone(tmp_path: Path) -> None:
    """Regions are found in the pixels, and the command says so."""
    picture = np.full((120, 160, 3), (40, 90, 200), dtype=np.uint8)
    picture[70:] = (60, 140, 50)
    picture[30:90, 60:100] = (220, 30, 30)
    Image.fromarray(picture).save(tmp_path / "alone.png")
    said, listed = marked(tmp_path, tmp_path / "alone.png")
    assert said == (
        "3 marks, 160 × 120 pixels; no masks were given: regions found by graph-based segmentation "
        "by colour, texture and edges"
    )
    assert listed["source"] == "images"
    assert [row[2] for row in rows(listed)] == ["region"] * 3


def test_an_unknown_segmenter(data: Path) -> None:
    said = sentence(data / "images" / "first.jpg", "--segmenter", "grahp")
    assert "grahp" in said
    assert "graph" in said


def test_a_folder_with_one_bad_image(data: Path, tmp_path: Path) -> None:
    """The others are drawn, the bad one is named, and the command fails."""
    (data / "images" / "first.jpg").write_text("<html>")
    done = run(data / "images", *given(data), "-o", tmp_path, "--format", "jpeg")
    assert done.exit_code == 2
    assert done.stdout.startswith(f"{tmp_path / 'second.marked.jpg'}: 3 marks")
    said = done.stderr.splitlines()
    assert len(said) == 2
    assert "first.jpg" in said[0]
    assert said[1] == "annoengine: 1 of 2 images could not be marked, as said above"
    with Image.open(tmp_path / "second.marked.jpg") as image:
        assert image.format == "JPEG"


def test_a_folder_without_pictures(data: Path) -> None:
    (data / "empty").mkdir()
    assert sentence(data / "empty").startswith(f"the folder {data / 'empty'} holds no picture")


def test_more_marks_than_one_picture_takes(data: Path, tmp_path: Path) -> None:
    said, listed = marked(tmp_path, data / "images" / "first.jpg", *given(data), "--max-marks", 2)
    assert said.endswith("pixels, and 1 more picture")
    assert [p["file"] for p in listed["pictures"]] == ["out.png", "out-2.png"]
    assert (tmp_path / "out-2.png").is_file()
    assert sorted(m["mark"] for m in listed["marks"]) == [1, 2, 3]
    assert {m["picture"] for m in listed["marks"]} == {0, 1}


def test_names_on_labels(data: Path, tmp_path: Path) -> None:
    pictures = []
    for names in ("display", "raw"):
        out = tmp_path / f"{names}.png"
        done = run(
            data / "images" / "first.jpg", *given(data), "--style", "coconut", "--names", names,
            "-o", out,
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        pictures.append(out.read_bytes())
    assert pictures[0] != pictures[1]
    with Image.open(io.BytesIO(pictures[0])) as image:
        assert image.width > 2 * 160
