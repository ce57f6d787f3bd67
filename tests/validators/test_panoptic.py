"""Every code of the panoptic validator: a dataset that has it and nothing else, and its words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annoengine.checks.panoptic_checks import CHECK_DIED, PanopticContext, PanopticTask, died
from annoengine.mask import write_panoptic_png
from annoengine.validator import Place, Rules
from annoengine.validators.panoptic import Panoptic
from tests.tiny_coco import TinyCoco, id_map
from tests.validators.broken import TEXTS, check, described, infos, names

Spoil = Callable[[TinyCoco], None]


def first(tiny: TinyCoco) -> dict[str, Any]:
    """The entry of segment 7."""
    return infos(tiny)[0]


def says(text: Any, position: int = 0) -> Spoil:
    """Segment 7 (or another) of the first image has another description."""

    def spoil(tiny: TinyCoco) -> None:
        infos(tiny)[position]["description"] = text

    return spoil


def has(key: str, value: Any, position: int = 0, unmeasured: bool = False) -> Spoil:
    """A segment has another value; ``unmeasured`` leaves out the PNG that would tell better."""

    def spoil(tiny: TinyCoco) -> None:
        infos(tiny)[position][key] = value
        if unmeasured:
            shutil.rmtree(tiny.masks)

    return spoil


def lacks(key: str) -> Spoil:
    def spoil(tiny: TinyCoco) -> None:
        del first(tiny)[key]

    return spoil


def image(**values: Any) -> Spoil:
    def spoil(tiny: TinyCoco) -> None:
        tiny.data["images"][0].update(values)

    return spoil


def annotation(**values: Any) -> Spoil:
    def spoil(tiny: TinyCoco) -> None:
        tiny.data["annotations"][0].update(values)

    return spoil


def drawn(ids: Any) -> Spoil:
    """The first image's PNG shows something else."""

    def spoil(tiny: TinyCoco) -> None:
        write_panoptic_png(tiny.masks / "0001.png", ids)

    return spoil


def without(*gone: int) -> Any:
    """The id map without some ids."""
    ids = id_map()
    ids[np.isin(ids, gone)] = 0
    return ids


def painted(id: int) -> Any:
    """The id map with a void pixel of another id."""
    ids = id_map()
    ids[5, 3] = id
    return ids


def twice(array: str, **values: Any) -> Spoil:
    """An array's first entry stands there again at its end, with other values."""

    def spoil(tiny: TinyCoco) -> None:
        tiny.data[array].append({**tiny.data[array][0], **values})

    return spoil


def written(text: str) -> Spoil:
    """The file's own text, as JSON would not have it."""

    def spoil(tiny: TinyCoco) -> None:
        tiny.json.write_text(text)
        tiny.data = {}

    return spoil


def second_annotation(**values: Any) -> Spoil:
    """The first annotation stands there again with a PNG of its own."""

    def spoil(tiny: TinyCoco) -> None:
        shutil.copy(tiny.masks / "0001.png", tiny.masks / "0003.png")
        twice("annotations", file_name="0003.png", **values)(tiny)

    return spoil


def named_png(name: str | None) -> Spoil:
    """The first annotation names another PNG than its own, which is gone."""

    def spoil(tiny: TinyCoco) -> None:
        removed_mask(tiny)
        annotation(file_name=name)(tiny)

    return spoil


def key_twice(tiny: TinyCoco) -> None:
    text = json.dumps(tiny.data).replace('"area": 12', '"area": 12, "area": 12', 1)
    written(text)(tiny)


def remove(array: str) -> Spoil:
    def spoil(tiny: TinyCoco) -> None:
        del tiny.data[array]

    return spoil


def grey(tiny: TinyCoco) -> None:
    """Ids that fit one byte in a PNG of one channel."""
    ids = np.where(id_map() == 300, 9, np.where(id_map() == 70000, 8, id_map()))
    Image.fromarray(ids.astype(np.uint8)).save(tiny.masks / "0001.png")
    infos(tiny)[1]["id"], infos(tiny)[2]["id"] = 9, 8


def mostly_void(tiny: TinyCoco) -> None:
    write_panoptic_png(tiny.masks / "0001.png", without(300, 70000))
    del tiny.data["annotations"][0]["segments_info"][1:]


def unordered(tiny: TinyCoco) -> None:
    tiny.data["annotations"].reverse()


def no_description_at_all(tiny: TinyCoco) -> None:
    del first(tiny)["description"]


def stuff_crowd(tiny: TinyCoco) -> None:
    infos(tiny)[1]["iscrowd"] = 1


def unknown_thing(tiny: TinyCoco) -> None:
    for category in tiny.data["categories"]:
        del category["isthing"]
    for info in infos(tiny)[1:]:
        info["isthing"] = 0 if info["category_id"] == 187 else 1


def unlisted(tiny: TinyCoco) -> None:
    shutil.copy(tiny.masks / "0001.png", tiny.masks / "0009.png")


def removed_mask(tiny: TinyCoco) -> None:
    (tiny.masks / "0001.png").unlink()


def torn_mask(tiny: TinyCoco) -> None:
    path = tiny.masks / "0001.png"
    path.write_bytes(path.read_bytes()[:-8])


def no_masks(tiny: TinyCoco) -> None:
    shutil.rmtree(tiny.masks)


def other_photo_name(tiny: TinyCoco) -> None:
    (tiny.images / "0001.jpg").rename(tiny.images / "photo.jpg")
    tiny.data["images"][0]["file_name"] = "photo.jpg"


def removed_photo(tiny: TinyCoco) -> None:
    (tiny.images / "0001.jpg").unlink()


def torn_photo(tiny: TinyCoco) -> None:
    path = tiny.images / "0001.jpg"
    path.write_bytes(path.read_bytes()[:-40])


def small_photo(tiny: TinyCoco) -> None:
    Image.new("RGB", (6, 8)).save(tiny.images / "0001.jpg")


def sidecar(name: str, *rows: Any) -> Spoil:
    """A sidecar beside the file, whose split is called val2017 after its last underscore."""

    def spoil(tiny: TinyCoco) -> None:
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path = tiny.json.with_name(f"{name}_val2017.jsonl")
        path.write_text("".join(line + "\n" for line in lines))

    return spoil


def segment_of_two_images(tiny: TinyCoco) -> None:
    tiny.data["annotations"][0]["segments_info"].append(dict(first(tiny)))
    infos(tiny)[3]["description"] = "Something else is said of the same id here."


SPOILS: list[tuple[str, Spoil, str]] = [
    ("file-malformed", written('{"images": [], "annotations": [{"image_id": 1,'), "ends in the"),
    ("file-malformed", written('{"images": [{"id": NaN}]}'), "line 1, byte 19: not valid JSON"),
    ("array-missing", remove("categories"), "there is no array 'categories'"),
    ("array-missing", remove("images"), "there is no array 'images'"),
    ("image-malformed", image(file_name=None), "images[0] has the file_name None"),
    ("image-id-twice", twice("images", file_name="x.jpg"), "images[2] has the id of images[0]"),
    ("image-file-twice", image(file_name="0002.jpg"), "'0002.jpg' is the file of image 1"),
    ("image-size-missing", image(width=0), "its width is 0 and its height 6"),
    ("unsafe-path", image(file_name="../../x.jpg"), "'../../x.jpg' of the photograph leads out"),
    ("unsafe-path", named_png("/etc/passwd"), "'/etc/passwd' of the panoptic mask"),
    ("category-malformed", twice("categories", id="1"), "has the id '1' and the name 'person'"),
    ("category-id-twice", twice("categories", name="man"), "1 is used by 'person' and by 'man'"),
    ("annotation-malformed", named_png(None), "has no 'file_name' for its PNG"),
    ("image-missing", second_annotation(image_id=99), "no image 99"),
    ("category-unknown", has("category_id", 77), "the category 77 is not in 'categories'"),
    ("iscrowd-malformed", has("iscrowd", "no"), "iscrowd is 'no'"),
    ("iscrowd-missing", lacks("iscrowd"), "it does not say iscrowd"),
    ("annotation-twice", second_annotation(), "a second one for the image"),
    ("annotation-missing", twice("images", id=9, file_name="0003.jpg"), "images[2] has no annot"),
    ("order-differs", unordered, "annotations[1] is of images[0], after"),
    ("masks-not-checked", no_masks, "the JSON alone is checked"),
    ("mask-file-twice", named_png("0002.png"), "names '0002.png', as an earlier"),
    ("mask-unlisted", unlisted, "is named by no annotation"),
    ("mask-missing", removed_mask, "there is no panoptic mask '0001.png'"),
    ("mask-unreadable", torn_mask, "0001.png cannot be read: it is cut off"),
    ("mask-size-differs", drawn(id_map().T), "0001.png is 6×8, the JSON says 8×6: width and"),
    ("mask-not-rgb", grey, "0001.png has the mode L"),
    ("mask-empty", drawn(without(7, 300, 70000)), "every pixel of 0001.png is 0; 3 segments"),
    ("void-large", mostly_void, "75% of 0001.png is void"),
    ("segment-malformed", has("id", "7", unmeasured=True), "segments_info[0] has the id '7'"),
    ("segment-malformed", key_twice, "segments_info[0] has the key 'area' twice"),
    ("segment-id-void", has("id", 0, unmeasured=True), "segments_info[0] has the id 0"),
    ("segment-id-out-of-range", has("id", 1 << 24, unmeasured=True), "the id 16777216 does not"),
    ("segment-id-twice", segment_of_two_images, "the id 7 is used twice"),
    ("segment-without-pixels", drawn(without(7)), "0001.png has no pixel of it"),
    ("pixels-without-segment", drawn(painted(8)), "0001.png has 1 pixels of it in [3, 5, 1, 1]"),
    ("isthing-differs", has("isthing", 0), "isthing is 0, that of its category 1 (person) 1"),
    ("isthing-unknown", unknown_thing, "neither it nor its category 1 (person) says"),
    ("crowd-stuff", stuff_crowd, "it is a crowd of sky-other-merged, which is stuff"),
    ("area-missing", lacks("area"), "it has no 'area'"),
    ("area-malformed", has("area", "12"), "the area is '12'"),
    ("area-empty", has("area", 0, unmeasured=True), "the area is 0"),
    ("area-differs", has("area", 13), "the area is 13, its pixels are 12"),
    ("box-missing", lacks("bbox"), "it has no 'bbox'"),
    ("box-malformed", has("bbox", [0, 2, 3]), "the box is [0, 2, 3]; [x, y, width, height]"),
    ("box-malformed", has("bbox", [0, 2, None, 4]), "the box is [0, 2, None, 4]"),
    ("box-empty", has("bbox", [0, 2, 3, 0.5], unmeasured=True), "the box is [0, 2, 3, 0.5]"),
    ("box-reversed", has("bbox", [3, 2, -3, 4], unmeasured=True), "are its corners exchanged?"),
    ("box-outside", has("bbox", [0, 2, 9, 4], unmeasured=True), "the image 8×6"),
    ("box-outside", has("bbox", [4, 2, 7, 6], unmeasured=True), "it may be [x1, y1, x2, y2]"),
    ("box-differs", has("bbox", [0, 2, 3, 3]), "the box is [0, 2, 3, 3], that of its pixels"),
    ("box-differs", has("bbox", [0, 2, 3, 6]), ": it is [x1, y1, x2, y2]"),
    ("box-differs", has("bbox", [0, 2, 2, 3]), ": width and height are max - min, not"),
    ("box-differs", has("bbox", [1.5, 4, 3, 4]), ": x and y are those of its centre"),
    ("photo-missing", removed_photo, "there is no photograph '0001.jpg'"),
    ("photo-unreadable", torn_photo, "the image 0001.jpg cannot be read"),
    ("photo-size-differs", small_photo, "0001.jpg is 6×8 upright, the JSON says 8×6"),
    ("photo-name-differs", other_photo_name, "0001.png is looked for as 0001.jpg, not photo.jpg"),
    ("description-missing", no_description_at_all, "it has no 'description', which readers index"),
    ("description-malformed", says(["A man."]), "the description is a list; a text is needed"),
    ("description-empty", says(" "), "the description is ' '"),
    ("crowd-undescribed", says("", 2), "the crowd's description is empty"),
    ("description-short", says("ox"), "'ox' has 2 of at least 3 characters"),
    ("description-refusal", says("Sorry, I cannot describe it."), "'Sorry, I cannot describe"),
    ("description-refusal", says("The object is not visible in the image."), "not visible"),
    ("description-leak", says("The queried object is a man in a coat."), "'The queried object"),
    ("description-leak", says("The man in the bounding box walks."), "bounding box"),
    ("description-language", says("Un hombre con un abrigo rojo en la playa."), "'Un hombre"),
    ("description-speaks-of-marks", says("The man marked 2 walks by."), "'The man marked 2"),
    ("description-speaks-of-marks", says("2. A man in a coat."), "'2. A man in a coat.'"),
    ("description-speaks-of-marks", says("Segment 12 is a man."), "'Segment 12 is a man.'"),
    ("description-markup", says("A <b>man</b> walks."), "'<b>' in 'A <b>man"),
    ("description-markup", says("A man\nwalks."), r"'\n' in 'A man\nwalks.'"),
    ("description-markup", says("<1: A man> walks."), "'<1: A man>'"),
    ("description-twice", says(TEXTS[300].upper()), "segment 7 has the same: 'A pale sky"),
    ("sidecar-malformed", sidecar("gaps", "{"), "gaps_val2017.jsonl, line 1 is no JSON"),
    ("sidecar-malformed", sidecar("interactions", {"image_id": 1}), "line 1 does not name"),
    (
        "sidecar-unknown-image",
        sidecar("gaps", {"image_id": 9, "segment_id": 7, "image_exported": True}),
        "gaps_val2017.jsonl, line 1: the image 9 is not in panoptic_val2017.json",
    ),
    (
        "sidecar-unknown-segment",
        sidecar("interactions", {"image_id": 1, "segment_ids": [7, 8]}),
        "line 1: the image has no segment 8",
    ),
    (
        "caption-without-provenance",
        sidecar("provenance", {"image_id": 1, "segment_id": 7}, {"image_id": 1, "segment_id": 300}),
        "provenance_val2017.jsonl has no line for its description",
    ),
]


ALONG = {
    # Two images of one file have either one PNG or one that is not named like it.
    "image-file-twice": {"photo-name-differs"},
    # The image whose PNG was named first is not that of the PNG's name.
    "mask-file-twice": {"photo-name-differs"},
}
"""What cannot but be found along with a code."""


def spoiled(root: Path, spoil: Spoil) -> TinyCoco:
    """Two described images, broken."""
    tiny = described(root, 2)
    spoil(tiny)
    if tiny.data:
        tiny.write()
    return tiny


@pytest.mark.parametrize(
    ("code", "spoil", "words"), SPOILS, ids=[f"{row[0]}-{at}" for at, row in enumerate(SPOILS)]
)
def test_each_code_alone(code: str, spoil: Spoil, words: str, tmp_path: Path) -> None:
    tiny = spoiled(tmp_path, spoil)
    found = check(tiny.json, images=tiny.images)
    along = ALONG.get(code, set())
    if not tiny.masks.exists() and code != "masks-not-checked":
        along = {"masks-not-checked"}
    assert names(found) == {code} | along, found
    told = [finding for finding in found if finding.code == code]
    assert words in told[0].message, told[0].message
    known = {c.name: c for c in Panoptic.CODES}
    assert {finding.severity for finding in told} == {known[code].severity}


def test_every_code_has_its_dataset() -> None:
    tested = {code for code, _, _ in SPOILS}
    codes = [code.name for code in Panoptic.CODES]
    assert len(set(codes)) == len(codes)
    assert set(codes) - tested == {"check-died"}
    assert tested <= set(codes)
    for code in Panoptic.CODES:
        assert code.name == code.name.lower().replace("_", "-")
        assert code.about


def test_a_check_that_kills_its_process_is_a_finding() -> None:
    context = PanopticContext("a.json", Rules(), None, None, None, False, False)
    place = Place("a.json", 3, "3.jpg")
    report = died(PanopticTask(context, None, place, "3.png", []), "it died twice")
    assert report.findings == [CHECK_DIED.at(place, "3.png: it died twice")]


# --------------------------------------------------------------------- words of descriptions

RIGHT = [
    "A bus numbered 23 stops at the kerb.",
    "A baseball player with the number 5 on his jersey swings.",
    "Her face is not visible, as she looks away from the camera.",
    'A sign that says "Rue de la Paix" hangs on the wall.',
    "A clock whose hands show 10:10.",
    "2:30 is what the clock shows.",
    "A bottle with a colored label and a hand-drawn outline of a heart.",
    "A Boeing 747-400 with red and blue stripes.",
    "Three slices of pizza & a glass of water, 2 < 3 of them eaten.",
    "The 2nd of two dogs, which runs after the first.",
    "A man in a T-shirt labeled 'Number 10'.",
]


@pytest.mark.parametrize("text", RIGHT)
def test_true_descriptions_are_left_alone(text: str, tmp_path: Path) -> None:
    tiny = described(tmp_path)
    infos(tiny)[0]["description"] = text
    tiny.write()
    assert check(tiny.json) == []
