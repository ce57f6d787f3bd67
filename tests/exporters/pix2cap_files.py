"""Writes Pix2Cap-COCO files, and reads them by the rules of the tools that read the originals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from annoengine.exporter import Exported
from annoengine.exporters.pix2cap import Pix2cap, Pix2capParameters
from annoengine.mask import RecordFiles, areas_of, box_of, ids_from_rgb, keyed_rles, rle_from_mask
from annoengine.record import Caption, Category, MaskStore, Origin, Photo, Record, Segment
from tests.exporters.runs import Run

ORIGIN = Origin(
    stage="annotate",
    model="gpt-4o-2024-11-20",
    prompt="pix2cap_a@1",
    prompt_sha256="ab" * 32,
    call="cd" * 32,
    turn="group 1",
    repairs=1,
)


def caption(segment: int, text: str) -> Caption:
    return Caption(segment=segment, text=text, origin=ORIGIN)


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
    rles = keyed_rles(rle_from_mask(mask) for mask in masks)
    files = RecordFiles(image=Path(file), rles=rles)
    return record, Run([record], {record.id: files})


def rectangle(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    mask = np.zeros((4, 6), dtype=np.bool_)
    mask[y1:y2, x1:x2] = True
    return mask
