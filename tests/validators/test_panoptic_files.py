"""The panoptic validator over right files and files as others publish them; counts and order."""

from __future__ import annotations

from pathlib import Path

import pytest

from annoengine.errors import InputError
from annoengine.mask import read_panoptic_png, write_panoptic_png
from annoengine.validator import Finding, Rules
from annoengine.validators.panoptic import Panoptic
from tests.tiny_coco import TinyCoco, id_map
from tests.validators.broken import TEXTS, check, described, infos, names


@pytest.mark.parametrize("n", [1, 3])
def test_right_files_are_clean(n: int, tmp_path: Path) -> None:
    plain, with_texts = TinyCoco(tmp_path / "plain", n), described(tmp_path / "described", n)
    assert check(plain.json, images=plain.images) == []
    assert check(with_texts.json, images=with_texts.images) == []


def test_every_finding_names_image_and_segment(tmp_path: Path) -> None:
    tiny = described(tmp_path, 2)
    infos(tiny)[4]["area"] = 5
    tiny.write()
    (finding,) = check(tiny.json)
    assert finding == Finding(
        "area-differs",
        "error",
        "panoptic_val2017.json",
        "the area is 5, its pixels are 16",
        2,
        "0002.jpg",
        300,
        True,
    )
    assert finding.line() == "image 2 (0002.jpg), segment 300: the area is 5, its pixels are 16"


def test_the_image_of_another_type_is_explained(tmp_path: Path) -> None:
    tiny = TinyCoco(tmp_path)
    tiny.data["annotations"][0]["image_id"] = "1"
    tiny.write()
    found = check(tiny.json)
    assert names(found) == {"image-missing", "annotation-missing"}
    assert "'images' has 1 but not '1'; readers take a number and a text for two" in str(found)


def test_the_training_loaders_survivors(tmp_path: Path) -> None:
    """Pix2Cap-COCO's loader counts a crowd's description too, and does not strip."""
    tiny = described(tmp_path, 5)
    texts = infos(tiny)
    texts[2]["description"] = ""  # the first image's crowd
    texts[3]["description"] = "ox"
    texts[6]["description"] = "   "  # three characters
    del texts[9]["description"]
    tiny.write()
    validator = Panoptic(Rules())
    list(validator.check(Panoptic.dataset(tiny.json, None, None)))
    assert validator.counts["survive"] == 2
    assert validator.notes[0].startswith("2 of 5 images survive Pix2Cap-COCO's training loader")
    # 8 void pixels of 48 in each picture.
    assert validator.notes[1] == "16.7% of the pixels are void"


def test_the_least_length_is_asked_for(tmp_path: Path) -> None:
    tiny = described(tmp_path)
    assert names(check(tiny.json, min_caption_chars=42)) == {"description-short"}
    lengths = sorted(len(text) for text in TEXTS.values())
    found = check(tiny.json, min_caption_chars=lengths[1])
    assert [finding.segment for finding in found] == [300]


# ------------------------------------------------------------- files as others publish them


def as_coconut(root: Path) -> TinyCoco:
    """COCONut: ids from 1, no boxes, isthing on the segment."""
    tiny = TinyCoco(root, 2)
    numbers = {7: 1, 300: 2, 70000: 3}
    ids = id_map()
    for old, new in numbers.items():
        ids[id_map() == old] = new
    for number, annotation in enumerate(tiny.data["annotations"], start=1):
        write_panoptic_png(tiny.masks / f"{number:04d}.png", ids)
        for info in annotation["segments_info"]:
            info["id"] = numbers[info["id"]]
            info["isthing"] = int(info["category_id"] == 1)
            del info["bbox"]
    tiny.write()
    return tiny


def test_coconut_lacks_boxes_and_nothing_else(tmp_path: Path) -> None:
    (finding,) = check(as_coconut(tmp_path).json)
    assert (finding.code, finding.segment) == ("box-missing", None)
    assert finding.message == "none of the 6 segments has a 'bbox'"
    assert finding.fixable


def test_the_release_of_pix2cap_has_no_masks_of_its_own(tmp_path: Path) -> None:
    """The released JSON is put beside the stock files, whose folder bears their names."""
    tiny = described(tmp_path, 2)
    released = tiny.json.with_name("pix2cap_coco_val.json")
    tiny.json.rename(released)
    assert Panoptic.dataset(released, None, None).masks == tiny.masks
    assert check(released) == []
    alone = tmp_path / "elsewhere" / "pix2cap_coco_val.json"
    alone.parent.mkdir()
    released.rename(alone)
    assert names(check(alone)) == {"masks-not-checked"}
    assert check(alone, masks=tiny.masks) == []
    # The folder above the PNGs does as well.
    assert check(alone, masks=tiny.masks.parent) == []


def test_a_missing_png_does_not_hide_the_folder(tmp_path: Path) -> None:
    tiny = TinyCoco(tmp_path, 3)
    for number in (1, 2):
        (tiny.masks / f"000{number}.png").unlink()
    assert names(check(tiny.json)) == {"mask-missing"}
    (tiny.masks / "0003.png").unlink()
    found = check(tiny.json)
    assert [f.image_id for f in found if f.code == "mask-missing"] == [1, 2, 3]


def test_masks_that_are_no_folder_are_the_users_mistake(tmp_path: Path) -> None:
    tiny = TinyCoco(tmp_path)
    with pytest.raises(InputError, match=r"--masks .*nowhere does not exist; name the folder"):
        check(tiny.json, masks=tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"--masks .* is no folder"):
        check(tiny.json, masks=tiny.json)


def test_processes_find_what_one_process_finds(tmp_path: Path) -> None:
    tiny = described(tmp_path, 230)
    texts = infos(tiny)
    for at in (3, 50, 51, 400, 688):
        texts[at]["area"] = 1
    texts[77]["description"] = "A <b>bold</b> man."
    tiny.write()
    ids = read_panoptic_png(tiny.masks / "0200.png")
    ids[0, 0] = 11
    write_panoptic_png(tiny.masks / "0200.png", ids)
    here, there = check(tiny.json), check(tiny.json, workers=2)
    assert here == there
    assert [f.image_id for f in here] == [2, 17, 18, 26, 134, 200, 200, 230]


def test_recognised_by_content(tmp_path: Path) -> None:
    tiny = TinyCoco(tmp_path)
    assert Panoptic.recognises(tiny.json)
    assert not Panoptic.recognises(tmp_path)
    other = tmp_path / "captions.json"
    other.write_text('{"annotations": [{"image_id": 1, "id": 2, "caption": "A man."}]}')
    assert not Panoptic.recognises(other)
