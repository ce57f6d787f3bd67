"""Captions and segments as COCONut-PanCap is released, made for tests."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from annoengine.mask import write_panoptic_png
from annoengine.validator import Finding, Rules
from annoengine.validators.coconut_pancap import CoconutPancap
from annoengine.writing.panoptic_json import coco_categories

CATEGORIES = {row["name"]: row["id"] for row in coco_categories()}
FARM = ("sky-other-merged", "grass-merged", "horse", "horse", "dog")
"""The categories of an image with the ids 1 to 5."""
RIGHT = "<1: The sky> is clear. On <2: the grass> stand <3,4: two horses> beside <5: a dog>.\n"
FROM_ZERO = "<0: The sky> is clear. On <1: the grass> stand <2,3: two horses> beside <4: a dog>.\n"


def name_of(number: int) -> str:
    """The stem of an image's files."""
    return f"{number:012}"


def write_tar(path: Path, texts: Mapping[str, str | bytes], **header: Any) -> Path:
    """A tar of text files by their member's name."""
    with tarfile.open(path, "w", **header) as tar:
        for name, text in texts.items():
            data = text.encode("utf-8") if isinstance(text, str) else text
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode, member.uname = len(data), 1700000000, 0o640, "x"
            tar.addfile(member, io.BytesIO(data))
    return path


def read_tar(path: Path) -> dict[str, bytes]:
    """The files of a tar, in their order."""
    found = {}
    with tarfile.open(path) as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                found[member.name] = file.read()
    return found


def write_segments(path: Path, images: Mapping[int, Sequence[str]], **more: Any) -> Path:
    """A panoptic JSON; each image has its categories' segments with the ids 1, 2, 3 …"""
    rows: list[dict[str, Any]] = []
    for number, names in images.items():
        infos = [
            {"id": id, "category_id": CATEGORIES[name], "iscrowd": 0, "isthing": 1, "area": 1}
            for id, name in enumerate(names, start=1)
        ]
        rows.append(
            {"image_id": number, "file_name": f"{name_of(number)}.png", "segments_info": infos}
        )
    data = {
        "images": [{"id": n, "file_name": f"{name_of(n)}.jpg"} for n in images],
        "annotations": rows,
        "categories": list(coco_categories()),
        **more,
    }
    path.write_text(json.dumps(data, indent=4))
    return path


def write_pngs(folder: Path, images: Mapping[int, Sequence[int]]) -> Path:
    """A PNG of one row for each image, with these ids."""
    folder.mkdir()
    for number, ids in images.items():
        write_panoptic_png(folder / f"{name_of(number)}.png", np.array([[0, *ids]]))
    return folder


class Release:
    """A tar of captions and a panoptic JSON; each caption has an image of the farm's segments."""

    def __init__(self, root: Path, *texts: str | bytes) -> None:
        self.root = root
        names = {f"caption_train2017/{name_of(n)}.txt": t for n, t in enumerate(texts, start=1)}
        self.tar = write_tar(root / "coconut_pancap.tar", names)
        self.json = write_segments(
            root / "coconut_s.json", dict.fromkeys(range(1, len(texts) + 1), FARM)
        )

    def check(self, **given: Any) -> list[Finding]:
        """What is found, but that there are no PNGs."""
        return findings(self.tar, panoptic=self.json, **given)

    def fix(self, target: Path) -> list[Finding]:
        """The same, with the mended tar written."""
        dataset = CoconutPancap.dataset(self.tar, None, None, self.json)
        return without_masks(CoconutPancap(Rules()).fix(dataset, target))


def findings(
    path: Path, masks: Path | None = None, panoptic: Path | None = None, **rules: Any
) -> list[Finding]:
    """What is found in captions, but that there are no PNGs."""
    dataset = CoconutPancap.dataset(path, masks, None, panoptic)
    return without_masks(CoconutPancap(Rules(**rules)).check(dataset))


def without_masks(found: Any) -> list[Finding]:
    """All but the finding that PNGs were not given."""
    return [finding for finding in found if finding.code != "masks-not-checked"]
