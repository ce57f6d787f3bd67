"""Pix2Cap-COCO files against the rules of the tools that read the originals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annoengine.errors import InputError
from annoengine.exporter import Exported
from annoengine.exporters.pix2cap import Pix2cap, Pix2capParameters, padding_phrase
from annoengine.fingerprint import sha256_hex
from annoengine.mask import (
    MAX_ID,
    RecordFiles,
    areas_of,
    box_of,
    ids_from_rgb,
    read_panoptic_png,
    rle_from_mask,
    write_panoptic_png,
)
from annoengine.record import (
    Caption,
    Category,
    Gap,
    MaskStore,
    Origin,
    Photo,
    Record,
    Relation,
    Score,
    Segment,
)
from annoengine.registry import find
from tests.tiny_coco import TinyCoco, id_map

GOLDEN = Path(__file__).with_name("golden_pix2cap")
ORIGIN = Origin(
    stage="annotate",
    model="gpt-4o-2024-11-20",
    prompt="pix2cap_a@1",
    prompt_sha256="ab" * 32,
    call="cd" * 32,
    turn="group 1",
    repairs=1,
)


@dataclass
class Run:
    """Records and their files, as an exporter sees a run."""

    given: list[Record]
    where: dict[str, RecordFiles] = field(default_factory=dict)
    name: str = "tiny"

    def records(self) -> Iterator[Record]:
        yield from self.given

    def files(self, record: Record) -> RecordFiles:
        return self.where[record.id]


def caption(segment: int, text: str) -> Caption:
    return Caption(segment=segment, text=text, origin=ORIGIN)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Four images of one dataset in two splits.

    Image 1 has all its captions but that of its crowd; image 2 has no crowd and all captions;
    image 3 lacks the person's; image 4, of the other split, has a caption that is too short.
    """
    given: list[Record] = []
    where: dict[str, RecordFiles] = {}
    for split, numbers in (("train", (1, 2, 3)), ("val", (4,))):
        tiny = TinyCoco(tmp_path / split, n=4, name=f"panoptic_{split}2017")
        ids = id_map()
        ids[ids == 70000] = 0
        write_panoptic_png(tiny.masks / "0002.png", ids)
        del tiny.data["annotations"][1]["segments_info"][2]
        tiny.write()
        source = tiny.source()
        for number, entry in enumerate(source.entries(), start=1):
            if number in numbers:
                record = source.open(entry).record
                assert record is not None
                where[record.id] = source.files(record)
                given.append(record)
    one, two, three, four = given
    relation = Relation(segments=(7, 300), text="The person looks at the sky.", origin=ORIGIN)
    sky = caption(300, "A clear sky, as blue as Köln's.")
    given = [
        one.but(
            captions=(caption(7, 'A man says "hello".'), sky),
            relations=(relation,),
            scores=(
                Score(name="clip", value=0.25, by="score_clip", segment=7),
                Score(name="clip", value=0.5, by="score_clip", segment=300),
            ),
        ),
        two.but(captions=(sky, caption(7, "A woman with a 狗."), caption(7, "A second one."))),
        three.but(
            captions=(sky,),
            gaps=(Gap(segment=7, reason="refusal", detail="I cannot.", stage="annotate"),),
        ),
        four.but(captions=(sky, caption(7, " ox "))),
    ]
    return Run(given, where)


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir()
    return Pix2cap(Pix2capParameters.model_validate(parameters)).export(run, folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def load(folder: Path, split: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / f"pix2cap_coco_{split}.json").read_text("utf-8"))
    return loaded


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


# ------------------------------------------------ readers of the originals, from their rules


def training_images(folder: Path, split: str) -> list[Any]:
    """The images that the released training loader keeps.

    It leaves out an image if any of its descriptions, a crowd's included, is empty or shorter
    than three characters, and finds the photograph by the mask's stem.
    """
    kept = []
    for annotation in load(folder, split)["annotations"]:
        descriptions = [info["description"] for info in annotation["segments_info"]]
        if any(text == "" or len(text) < 3 for text in descriptions):
            continue
        kept.append(annotation["file_name"].removesuffix(".png") + ".jpg")
    return kept


def read_pix2cap(folder: Path, split: str) -> dict[tuple[Any, int], str]:
    """Captions by (image id, segment id), read as the evaluator and the region loader do.

    Both need ``description`` on every segment; the latter goes through images and annotations
    side by side, and through boxes that have at least a pixel.
    """
    data = load(folder, split)
    categories = {row["id"]: row for row in data["categories"]}
    captions = {}
    for image, annotation in zip(data["images"], data["annotations"], strict=True):
        assert image["id"] == annotation["image_id"]
        ids = ids_from_rgb(
            np.asarray(Image.open(folder / f"panoptic_{split}" / annotation["file_name"]))
        )
        assert ids.shape == (image["height"], image["width"])
        areas = areas_of(ids)
        infos = annotation["segments_info"]
        assert areas.keys() - {0} == {info["id"] for info in infos}
        assert len({info["id"] for info in infos}) == len(infos)
        for info in infos:
            x, y, w, h = info["bbox"]
            assert info["area"] == areas[info["id"]]
            assert (x, y, x + w, y + h) == box_of(ids == info["id"])
            assert categories[info["category_id"]]["isthing"] in (0, 1)
            assert info["iscrowd"] in (0, 1)
            assert isinstance(info["description"], str)
            if info["description"]:
                captions[image["id"], info["id"]] = info["description"]
    return captions


# ------------------------------------------------ the files


def test_the_small_export_is_golden_to_the_byte(run: Run, tmp_path: Path) -> None:
    """To renew: delete tests/exporters/golden_pix2cap, run this test, and look at the diff."""
    exported = export(run, tmp_path / "out", pad="category")
    written = {
        name: data for name, data in contents(tmp_path / "out").items() if name[-3:] != "png"
    }
    written["account.json"] = (
        json.dumps({"counts": exported.counts, "notes": exported.notes}, indent=1) + "\n"
    ).encode()
    if not GOLDEN.exists():
        GOLDEN.mkdir()
        for name, data in written.items():
            (GOLDEN / name).write_bytes(data)
        pytest.fail("the golden files were written anew")
    assert written == contents(GOLDEN)


def test_the_same_records_give_the_same_bytes(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path / "a")
    export(run, tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_an_annotation_is_as_published(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path / "out")
    data = load(tmp_path / "out", "train")
    assert list(data) == ["info", "licenses", "images", "annotations", "categories"]
    assert data["annotations"][0] == {
        "image_id": 1,
        "file_name": "0001.png",
        "segments_info": [
            {
                "id": 7,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [0, 2, 3, 4],
                "area": 12,
                "description": 'A man says "hello".',
            },
            {
                "id": 300,
                "category_id": 187,
                "iscrowd": 0,
                "bbox": [0, 0, 8, 2],
                "area": 16,
                "description": "A clear sky, as blue as Köln's.",
            },
            {
                "id": 70000,
                "category_id": 1,
                "iscrowd": 1,
                "bbox": [5, 2, 3, 4],
                "area": 12,
                "description": "",
            },
        ],
    }
    assert data["images"][0] == {
        "license": 2,
        "file_name": "0001.jpg",
        "coco_url": "http://example.org/1",
        "height": 6,
        "width": 8,
        "date_captured": "2013-11-20 16:47:35",
        "flickr_url": "http://example.org/f/1",
        "id": 1,
    }
    assert [row["id"] for row in data["licenses"]] == [2, 4]
    assert len(data["categories"]) == 133
    assert data["categories"][0] == {
        "id": 1,
        "name": "person",
        "isthing": 1,
        "supercategory": "person",
        "color": [220, 20, 60],
    }
    assert "Köln" in (tmp_path / "out" / "pix2cap_coco_train.json").read_text("utf-8")
    assert [row["image_id"] for row in load(tmp_path / "out", "val")["annotations"]] == [4]


@pytest.mark.parametrize("copy_masks", ["copy", "link"])
def test_readers_get_every_caption_back(run: Run, tmp_path: Path, copy_masks: str) -> None:
    export(run, tmp_path / "out", copy_masks=copy_masks)
    sky = "A clear sky, as blue as Köln's."
    assert read_pix2cap(tmp_path / "out", "train") == {
        (1, 7): 'A man says "hello".',
        (1, 300): sky,
        (2, 7): "A woman with a 狗.",
        (2, 300): sky,
        (3, 300): sky,
    }
    assert read_pix2cap(tmp_path / "out", "val") == {(4, 300): sky}


@pytest.mark.parametrize(
    ("parameters", "listed", "survivors"),
    [
        # Published manner: image 1 goes for its crowd, image 3 for its person.
        ({}, 3, ["0002.jpg"]),
        ({"pad": "category"}, 3, ["0001.jpg", "0002.jpg", "0003.jpg"]),
        ({"drop_images_with_missing": True}, 1, ["0002.jpg"]),
        ({"drop_images_with_missing": True, "pad": "category"}, 2, ["0001.jpg", "0002.jpg"]),
    ],
)
def test_how_many_images_survive_the_training_loader(
    run: Run, tmp_path: Path, parameters: dict[str, Any], listed: int, survivors: list[str]
) -> None:
    exported = export(run, tmp_path / "out", **parameters)
    assert len(load(tmp_path / "out", "train")["images"]) == listed
    assert training_images(tmp_path / "out", "train") == survivors
    assert exported.counts["train: images that survive the training loader"] == len(survivors)
    assert f"train: {len(survivors)} of {listed} images survive" in exported.notes[0]


def test_the_account_of_the_published_manner(run: Run, tmp_path: Path) -> None:
    exported = export(run, tmp_path / "out")
    assert exported.counts == {
        "images": 4,
        "segments": 11,
        "captions": 6,
        "padded": 0,
        "uncaptioned": 2,
        "crowds without a caption": 3,
        "interactions": 1,
        "train: images that survive the training loader": 1,
        "val: images that survive the training loader": 0,
    }
    assert exported.notes == [
        "train: 1 of 3 images survive the released training loader, which leaves out every image "
        "with a description of under 3 characters (pad: category would fill the gaps)",
        "val: 0 of 1 images survive the released training loader, which leaves out every image "
        "with a description of under 3 characters (pad: category would fill the gaps)",
    ]


def test_padding_is_flagged_and_counted(run: Run, tmp_path: Path) -> None:
    exported = export(run, tmp_path / "out", pad="category")
    assert (exported.counts["padded"], exported.counts["uncaptioned"]) == (5, 0)
    described = read_pix2cap(tmp_path / "out", "train")
    assert described[3, 7] == "a person"
    assert described[1, 70000] == described[3, 70000] == "people"
    padded = [row for row in lines(tmp_path / "out", "provenance_train.jsonl") if row["padded"]]
    assert padded == [
        {"image_id": 1, "segment_id": 70000, "padded": True, "text": "people"},
        {"image_id": 3, "segment_id": 7, "padded": True, "text": "a person"},
        {"image_id": 3, "segment_id": 70000, "padded": True, "text": "people"},
    ]


def test_who_wrote_a_caption_stands_beside_it(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path / "out")
    assert lines(tmp_path / "out", "provenance_train.jsonl")[0] == {
        "image_id": 1,
        "segment_id": 7,
        "padded": False,
        "model": "gpt-4o-2024-11-20",
        "prompt": "pix2cap_a@1",
        "prompt_sha256": "ab" * 32,
        "stage": "annotate",
        "call": "cd" * 32,
        "turn": "group 1",
        "repairs": 1,
        "scores": [{"name": "clip", "value": 0.25, "by": "score_clip"}],
    }
    assert lines(tmp_path / "out", "interactions_train.jsonl") == [
        {
            "image_id": 1,
            "segment_ids": [7, 300],
            "text": "The person looks at the sky.",
            "origin": {
                "model": "gpt-4o-2024-11-20",
                "prompt": "pix2cap_a@1",
                "prompt_sha256": "ab" * 32,
                "stage": "annotate",
                "call": "cd" * 32,
                "turn": "group 1",
                "repairs": 1,
            },
        }
    ]
    assert lines(tmp_path / "out", "interactions_val.jsonl") == []


def test_every_gap_is_listed_with_its_reason(run: Run, tmp_path: Path) -> None:
    def gaps(split: str) -> list[list[Any]]:
        rows = lines(tmp_path / "out", f"gaps_{split}.jsonl")
        keys = ("image_id", "segment_id", "reason", "detail", "stage", "image_exported")
        return [[row[key] for key in keys] for row in rows]

    export(run, tmp_path / "out", drop_images_with_missing=True)
    assert gaps("train") == [
        [1, 70000, "crowd", "", "", False],
        [3, 7, "refusal", "I cannot.", "annotate", False],
        [3, 70000, "crowd", "", "", False],
    ]
    assert gaps("val") == [
        [4, 7, "too short", "'ox'", "annotate", False],
        [4, 70000, "crowd", "", "", False],
    ]


def test_the_least_length_of_a_caption_can_be_set(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path / "a", min_caption_chars=2)
    assert read_pix2cap(tmp_path / "a", "val")[4, 7] == "ox"
    assert training_images(tmp_path / "a", "val") == []
    exported = export(run, tmp_path / "b", min_caption_chars=25)
    assert set(read_pix2cap(tmp_path / "b", "train")) == {(1, 300), (2, 300), (3, 300)}
    assert exported.counts["captions"] == 4


def test_three_characters_are_enough_for_the_loader_and_two_are_not(tmp_path: Path) -> None:
    for text, survive in (("fox", 1), ("ox", 0)):
        record, run = boxed([1], [rectangle(0, 0, 2, 2)], file="1.jpg")
        run.given = [record.but(captions=(caption(1, text),))]
        exported = export(run, tmp_path / text, min_caption_chars=1)
        assert exported.counts["train: images that survive the training loader"] == survive
        assert training_images(tmp_path / text, "train") == ["1.jpg"] * survive


# ------------------------------------------------ masks


def test_masks_leave_as_they_came(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path / "copied")
    export(run, tmp_path / "linked", copy_masks="link")
    export(run, tmp_path / "none", copy_masks="none")
    source = run.files(run.given[0]).panoptic
    assert source is not None
    copied = tmp_path / "copied" / "panoptic_train" / "0001.png"
    linked = tmp_path / "linked" / "panoptic_train" / "0001.png"
    assert copied.read_bytes() == source.read_bytes()
    assert linked.samefile(source)
    assert not copied.samefile(source)
    assert not (tmp_path / "none" / "panoptic_train").exists()
    name = "pix2cap_coco_train.json"
    assert (tmp_path / "none" / name).read_bytes() == (tmp_path / "copied" / name).read_bytes()


def test_segments_that_left_the_record_leave_the_png(run: Run, tmp_path: Path) -> None:
    run.given[0] = run.given[0].but(segments=run.given[0].segments[:2])
    exported = export(run, tmp_path / "out", copy_masks="link")
    assert exported.counts["masks drawn anew"] == 1
    assert set(read_pix2cap(tmp_path / "out", "train")) >= {(1, 7), (1, 300)}
    ids = read_panoptic_png(tmp_path / "out" / "panoptic_train" / "0001.png")
    assert areas_of(ids) == {0: 20, 7: 12, 300: 16}
    source = run.files(run.given[0]).panoptic
    assert source is not None
    assert areas_of(read_panoptic_png(source)) == {0: 8, 7: 12, 300: 16, 70000: 12}


def test_a_mask_that_changed_since_the_run_is_refused(run: Run, tmp_path: Path) -> None:
    source = run.files(run.given[1]).panoptic
    assert source is not None
    write_panoptic_png(source, id_map())
    with pytest.raises(InputError, match="coco/train/2 has changed since the run read it"):
        export(run, tmp_path / "out")
    source.unlink()
    with pytest.raises(InputError, match=r"0002\.png cannot be read: No such file"):
        export(run, tmp_path / "again")


def boxed(ids: list[int], masks: list[np.ndarray], file: str = "a/1.jpg") -> tuple[Record, Run]:
    """A record that keeps its masks as RLEs, with a caption on each segment."""
    segments = tuple(
        Segment(
            id=id,
            category=Category(name=f"tag {at}"),
            isthing=True,
            box_xyxy=box_of(mask),
            area_px=int(mask.sum()),
            mask=at,
        )
        for at, (id, mask) in enumerate(zip(ids, masks, strict=True))
    )
    height, width = masks[0].shape
    record = Record(
        id="coco/train/x1",
        photo=Photo(file=file, width=width, height=height, sha256=""),
        masks=MaskStore(kind="rle", sha256=""),
        segments=segments,
        captions=tuple(caption(id, f"segment {id}") for id in ids),
    )
    rles = []
    for at, mask in enumerate(masks):
        rle = rle_from_mask(mask)
        rles.append((at, rle["counts"], (rle["size"][0], rle["size"][1])))
    files = RecordFiles(image=Path(file), rles=tuple(rles))
    return record, Run([record], {record.id: files})


def rectangle(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    mask = np.zeros((4, 6), dtype=np.bool_)
    mask[y1:y2, x1:x2] = True
    return mask


def test_rles_are_drawn_with_the_smaller_on_top(tmp_path: Path) -> None:
    _, run = boxed([5, 90000], [rectangle(0, 0, 2, 2), rectangle(0, 0, 6, 4)])
    exported = export(run, tmp_path / "out")
    assert read_pix2cap(tmp_path / "out", "train") == {
        ("x1", 5): "segment 5",
        ("x1", 90000): "segment 90000",
    }
    annotation = load(tmp_path / "out", "train")["annotations"][0]
    assert annotation["file_name"] == "a/1.png"
    assert [(s["area"], s["bbox"]) for s in annotation["segments_info"]] == [
        (4, [0, 0, 2, 2]),
        (20, [0, 0, 6, 4]),
    ]
    assert exported.counts["masks drawn anew"] == 1


def test_a_segment_that_is_hidden_by_others_is_left_out_and_counted(tmp_path: Path) -> None:
    left, right = rectangle(0, 0, 3, 4), rectangle(3, 0, 6, 4)
    _, run = boxed([1, 2, 3], [rectangle(0, 0, 6, 4), left, right])
    exported = export(run, tmp_path / "out")
    assert set(read_pix2cap(tmp_path / "out", "train")) == {("x1", 2), ("x1", 3)}
    assert exported.counts["segments without pixels"] == 1
    assert exported.counts["captions"] == 2


def test_ids_too_large_for_a_png_are_numbered(tmp_path: Path) -> None:
    record, run = boxed([908800474293, 12], [rectangle(0, 0, 2, 2), rectangle(3, 0, 6, 4)])
    relation = Relation(segments=(12, 908800474293), text="12 is right of it.", origin=ORIGIN)
    run.given = [record.but(relations=(relation,))]
    export(run, tmp_path / "out")
    assert read_pix2cap(tmp_path / "out", "train") == {
        ("x1", 1): "segment 908800474293",
        ("x1", 2): "segment 12",
    }
    assert lines(tmp_path / "out", "interactions_train.jsonl")[0]["segment_ids"] == [2, 1]
    provenance = lines(tmp_path / "out", "provenance_train.jsonl")
    assert [row["segment_id"] for row in provenance] == [1, 2]
    _, run = boxed([MAX_ID], [rectangle(0, 0, 2, 2)])
    export(run, tmp_path / "largest")
    assert set(read_pix2cap(tmp_path / "largest", "train")) == {("x1", MAX_ID)}


def test_records_without_masks_are_counted_and_left_out(run: Run, tmp_path: Path) -> None:
    run.given[0] = run.given[0].but(masks=None)
    exported = export(run, tmp_path / "out")
    assert exported.counts["images without masks"] == 1
    assert [row["id"] for row in load(tmp_path / "out", "train")["images"]] == [2, 3]


def test_two_images_may_not_share_a_mask_file(tmp_path: Path) -> None:
    record, run = boxed([1], [rectangle(0, 0, 2, 2)], file="1.jpg")
    run.given.append(record.but(id="coco/train/x2", photo=record.photo.but(file="1.webp")))
    run.where["coco/train/x2"] = run.where[record.id]
    with pytest.raises(InputError, match=r"two images of the run have the same panoptic mask 1"):
        export(run, tmp_path / "out")


def test_photographs_that_readers_will_not_find_are_noted(tmp_path: Path) -> None:
    _, run = boxed([1], [rectangle(0, 0, 2, 2)], file="1.webp")
    notes = export(run, tmp_path / "out").notes
    assert notes[1].startswith("train: 1 of 1 photographs will not be found by readers")


# ------------------------------------------------ categories, and what does not fit


def test_free_tags_follow_the_133_with_ids_of_their_own(tmp_path: Path) -> None:
    record, run = boxed([1, 2], [rectangle(0, 0, 2, 2), rectangle(3, 0, 6, 4)])
    one, two = record.segments
    run.given = [
        record.but(
            segments=(
                one.but(category=Category(name="zebra crossing")),
                two.but(category=Category(name="zebra")),
            )
        )
    ]
    export(run, tmp_path / "out")
    data = load(tmp_path / "out", "train")
    assert len(data["categories"]) == 134
    added = data["categories"][-1]
    assert (added["id"], added["name"], added["isthing"]) == (1001, "zebra crossing", 1)
    # A tag that is the name of a category is that category: COCO's zebra is 24.
    infos = data["annotations"][0]["segments_info"]
    assert [info["category_id"] for info in infos] == [1001, 24]


def test_a_dataset_with_other_meanings_of_cocos_ids_brings_its_own_alone(tmp_path: Path) -> None:
    record, run = boxed([1, 2], [rectangle(0, 0, 2, 2), rectangle(3, 0, 6, 4)])
    one, two = record.segments
    run.given = [
        record.but(
            segments=(
                one.but(category=Category(id=7, name="road"), isthing=False),
                two.but(category=Category(id=5000, name="rider")),
            )
        )
    ]
    export(run, tmp_path / "out")
    rows = load(tmp_path / "out", "train")["categories"]
    assert [(row["id"], row["name"], row["isthing"]) for row in rows] == [
        (7, "road", 0),
        (5000, "rider", 1),
    ]
    assert all(64 <= part <= 255 for row in rows for part in row["color"])


def test_one_category_id_with_two_names_is_refused(run: Run, tmp_path: Path) -> None:
    segment = run.given[3].segments[0].but(category=Category(id=1, name="horse"))
    run.given[3] = run.given[3].but(segments=(segment,))
    with pytest.raises(InputError, match="coco/val/4: the category id 1 means 'horse' here"):
        export(run, tmp_path / "out")


def test_two_datasets_in_one_export_are_refused(run: Run, tmp_path: Path) -> None:
    run.given[3] = run.given[3].but(id="lvis/val/4")
    run.where["lvis/val/4"] = run.where["coco/val/4"]
    with pytest.raises(InputError, match="records of 'coco' and of 'lvis'"):
        export(run, tmp_path / "out")
    assert not list((tmp_path / "out").glob(".*"))


def test_a_run_without_records_says_so(tmp_path: Path) -> None:
    exported = export(Run([]), tmp_path / "out")
    assert exported.notes == ["no record reached the end of the run: nothing was written"]
    assert contents(tmp_path / "out") == {}


def test_captions_of_whole_images_are_noted(run: Run, tmp_path: Path) -> None:
    whole = Caption(text="A scene.", origin=ORIGIN)
    run.given[0] = run.given[0].but(captions=(*run.given[0].captions, whole))
    exported = export(run, tmp_path / "out")
    assert "train: 1 captions of whole images are not part of this format" in exported.notes[1]


def test_numpy_numbers_leave_as_plain_ones(run: Run, tmp_path: Path) -> None:
    segment = (
        run.given[0]
        .segments[0]
        .model_copy(update={"area_px": np.int64(12), "box_xyxy": tuple(np.array([0, 2, 3, 6]))})
    )
    run.given[0] = run.given[0].but(segments=(segment, *run.given[0].segments[1:]))
    export(run, tmp_path / "out", copy_masks="none")
    info = load(tmp_path / "out", "train")["annotations"][0]["segments_info"][0]
    assert (info["area"], info["bbox"]) == (12, [0, 2, 3, 4])


def test_the_registry_finds_it_and_its_settings_are_described() -> None:
    assert find("exporter", "pix2cap") is Pix2cap
    for name, setting in Pix2capParameters.model_fields.items():
        assert setting.description, name


@pytest.mark.parametrize("name", ["person", "tv", "scissors", "sky-other-merged", "q", "ox", ""])
@pytest.mark.parametrize("iscrowd", [False, True])
def test_a_padding_is_long_enough_for_the_loader(name: str, iscrowd: bool) -> None:
    segment = Segment(
        id=1,
        category=Category(name=name),
        isthing=True,
        iscrowd=iscrowd,
        box_xyxy=(0, 0, 1, 1),
        area_px=1,
    )
    assert len(padding_phrase(segment)) >= 3


def test_bytes_of_the_png_name_the_record(run: Run) -> None:
    for record in run.given:
        png = run.files(record).panoptic
        assert png is not None
        assert record.masks is not None
        assert record.masks.sha256 == sha256_hex(png.read_bytes())
