"""SA-1B's files, in folders and in tars; and photographs in tars at all."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image

from annoengine.errors import InputError
from annoengine.mask import mask_from_rle, rle_from_mask
from annoengine.packed_file import PackedFile
from annoengine.photo import read_photo
from annoengine.sources.images import Images, ImagesParameters
from annoengine.sources.sa1b import Sa1b, Sa1bParameters
from tests.sources.opening import record_of

WIDTH, HEIGHT = 60, 40


def source(path: Path, **parameters: Any) -> Sa1b:
    return Sa1b(Sa1bParameters(split="all", **parameters), {"images": path}, 0)


def jpeg(seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG")
    return buffer.getvalue()


def box_mask(x1: int, y1: int, x2: int, y2: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    mask[y1:y2, x1:x2] = True
    return mask


SHIRT, LETTERS, SPECK = box_mask(5, 5, 45, 35), box_mask(15, 10, 30, 16), box_mask(50, 2, 52, 4)


def annotation(id: int, mask: Any, iou: float = 0.95, stability: float = 0.97) -> dict[str, Any]:
    """As SA-1B has them, with all of their fields."""
    ys, xs = np.nonzero(mask)
    x, y = int(xs.min()), int(ys.min())
    return {
        "id": id,
        "segmentation": rle_from_mask(mask),
        "bbox": [x, y, int(xs.max()) - x + 1, int(ys.max()) - y + 1],
        "area": int(mask.sum()),
        "predicted_iou": iou,
        "stability_score": stability,
        "crop_box": [0, 0, WIDTH, HEIGHT],
        "point_coords": [[x + 0.5, y + 0.5]],
    }


def sidecar(name: str, annotations: list[dict[str, Any]], **changes: Any) -> bytes:
    image = {"image_id": 1, "width": WIDTH, "height": HEIGHT, "file_name": name}
    return orjson.dumps({"image": image, "annotations": annotations, **changes})


REGIONS = [
    annotation(508_000_001, SHIRT),
    annotation(508_000_007, LETTERS, iou=0.88),
    annotation(508_000_009, SPECK, stability=0.5),
]


def files(*names: str) -> dict[str, bytes]:
    found = {}
    for number, name in enumerate(names):
        found[f"{name}.jpg"] = jpeg(number)
        found[f"{name}.json"] = sidecar(f"{name}.jpg", REGIONS)
    return found


def unpacked(folder: Path, content: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder


def packed(path: Path, content: dict[str, bytes], mode: Any = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:
        for name, data in content.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_overlapping_regions_keep_their_ids_and_masks(tmp_path: Path) -> None:
    one = source(unpacked(tmp_path / "sa", files("sa_1")))
    (entry,) = one.entries()
    opened = one.open(entry)
    record = record_of(opened)
    assert record.id == "sa1b/all/sa_1.jpg"
    assert [s.id for s in record.segments] == [508_000_001, 508_000_007, 508_000_009]
    assert [s.score for s in record.segments] == [0.95, 0.88, 0.95]
    assert {s.category.name for s in record.segments} == {"region"}
    assert [s.area_px for s in record.segments] == [1200, 90, 4]
    for segment, mask in zip(record.segments, (SHIRT, LETTERS, SPECK), strict=True):
        assert segment.mask is not None
        assert np.array_equal(mask_from_rle(opened.rles[segment.mask]), mask)


def test_a_tar_is_a_folder(tmp_path: Path) -> None:
    content = files("sa_1", "sa_2")
    loose = source(unpacked(tmp_path / "sa", content))
    tars = tmp_path / "tars"
    one = packed(tars / "sa_000000.tar", files("sa_1", "sa_2"))
    packed(tars / "sa_000001.tar", files("sa_3"))
    from_tar, from_folder = source(one), source(tars)
    names = [entry["image"]["file_name"] for entry in from_folder.entries()]
    assert names == [
        "sa_000000.tar/sa_1.jpg",
        "sa_000000.tar/sa_2.jpg",
        "sa_000001.tar/sa_3.jpg",
    ]
    for plain, entry in zip(loose.entries(), from_tar.entries(), strict=True):
        record, other = record_of(loose.open(plain)), record_of(from_tar.open(entry))
        assert record.segments == other.segments
        assert record.masks is not None
        assert other.masks is not None
        assert record.photo.sha256 == other.photo.sha256
        file = from_tar.files(other).image
        assert isinstance(file, PackedFile)
        assert np.array_equal(read_photo(file), read_photo(loose.files(record).image))


def test_photographs_without_masks_come_from_tars_too(tmp_path: Path) -> None:
    path = packed(tmp_path / "shards/000.tar", {"b.jpg": jpeg(1), "a.jpg": jpeg(), "a.txt": b"x"})
    images = Images(ImagesParameters(split="all"), {"images": path.parent}, 0)
    entries = list(images.entries())
    assert [e["image"]["file_name"] for e in entries] == ["000.tar/a.jpg", "000.tar/b.jpg"]
    record = record_of(images.open(entries[0]))
    assert record.segments
    assert images.files(record).image.read_bytes() == jpeg()
    before = images.fingerprint()
    packed(path, {"b.jpg": jpeg(1)})
    assert images.fingerprint() != before
    assert images.open(entries[0]).detail == ("there is no photograph '000.tar/a.jpg' in its tar")


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "sa", files("sa_1"))
    found = {}
    for parameters in (
        {"least_iou": 0.9},
        {"least_stability": 0.9},
        {"least_area": 0.01},
        {"max_regions": 2},
    ):
        one = source(folder, **parameters)
        record = record_of(one.open(next(iter(one.entries()))))
        (score,) = record.scores
        found[score.name] = ([s.id % 100 for s in record.segments], score.value)
    assert found == {
        "below_least_iou": ([1, 9], 1),
        "below_least_stability": ([1, 7], 1),
        "below_least_area": ([1, 7], 1),
        "above_max_regions": ([1, 7], 1),
    }
    dropped = source(folder, least_iou=1.0)
    opened = dropped.open(next(iter(dropped.entries())))
    assert (opened.reason, opened.failed) == ("no segments", False)
    assert opened.detail == "sa_1.json has no region that is kept: 3 below_least_iou left out"


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        (None, "annotation", "there is no annotation 'sa_1.json' in its folder"),
        (b"{", "annotation", "sa_1.json is no JSON: unexpected end of data"),
        (b"[]", "annotation", "sa_1.json is no file of SA-1B: it needs an object with image"),
        (sidecar("sa_2.jpg", REGIONS), "annotation", "is of the photograph 'sa_2.jpg', not"),
        (sidecar("sa_1.jpg", [REGIONS[0], 3]), "annotation", "annotations[1] is no object"),  # type: ignore[list-item]
        (sidecar("sa_1.jpg", [REGIONS[0]] * 2), "segments", "have the id 508000001"),
        (
            sidecar("sa_1.jpg", [{**REGIONS[0], "segmentation": {"size": [4, 4], "counts": "0"}}]),
            "mask",
            "sa_1.json: annotations[0]: ",
        ),
    ],
)
def test_what_goes_wrong_says_where(
    tmp_path: Path, data: bytes | None, reason: str, words: str
) -> None:
    content = files("sa_1")
    if data is None:
        del content["sa_1.json"]
    else:
        content["sa_1.json"] = data
    one = source(unpacked(tmp_path / "sa", content))
    opened = one.open(next(iter(one.entries())))
    assert (opened.reason, opened.failed) == (reason, True)
    assert words in opened.detail


def test_a_tar_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    squeezed = packed(tmp_path / "squeezed.tar", files("sa_1"), "w:gz")
    with pytest.raises(InputError, match=r"squeezed.tar cannot be read: it is compressed, so"):
        list(source(squeezed).entries())
    cut = packed(tmp_path / "cut.tar", files("sa_1"))
    cut.write_bytes(cut.read_bytes()[:1200])
    with pytest.raises(InputError, match=r"cut.tar cannot be read: .*unpack it"):
        list(source(cut).entries())
    twice = packed(tmp_path / "twice.tar", files("sa_1"))
    with tarfile.open(twice, "a") as tar:
        tar.addfile(tarfile.TarInfo("sa_1.jpg"))
    with pytest.raises(InputError, match=r"holds 'sa_1\.jpg' twice"):
        list(source(twice).entries())


def test_a_json_that_changes_changes_the_source(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "sa", files("sa_1"))
    before = source(folder).fingerprint()
    (folder / "sa_1.json").write_bytes(sidecar("sa_1.jpg", REGIONS[:1]))
    assert source(folder).fingerprint() != before
