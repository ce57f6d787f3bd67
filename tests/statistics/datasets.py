"""Datasets of a few captions in every format that is counted, with what is true of them by hand."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PERSON = "The person is wearing a red jacket."
DOG = "A small brown dog stands beside the person. It runs quickly."
RACKET = "A tennis racket lies on the tennis court."

TAGGED = "<1: A man> in <2,3: two wooden chairs> waits. <1: He> sits."
UNTAGGED = "A man in two wooden chairs waits. He sits."


def write_json(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def segment(
    id: int, category: int, text: Any = "", crowd: int = 0, field: str = "description"
) -> Any:
    return {"id": id, "category_id": category, "iscrowd": crowd, field: text}


def panoptic(annotations: list[Any]) -> dict[str, Any]:
    names = {1: "person", 18: "dog", 43: "tennis racket", 187: "sky-other-merged"}
    return {
        "images": [{"id": a["image_id"], "file_name": f"{a['image_id']}.jpg"} for a in annotations],
        "annotations": annotations,
        "categories": [{"id": id, "name": name, "isthing": 1} for id, name in names.items()],
    }


def pix2cap(path: Path) -> Path:
    """Two images with three captions; a crowd and a sky without one; an image without any."""
    first = [segment(7, 1, PERSON), segment(8, 18, DOG), segment(9, 1, crowd=1), segment(5, 187)]
    annotations = [
        {"image_id": 1, "file_name": "1.png", "segments_info": first},
        {"image_id": 2, "file_name": "2.png", "segments_info": [segment(3, 43, RACKET)]},
        {"image_id": 3, "file_name": "3.png", "segments_info": [segment(3, 187)]},
    ]
    return write_json(path, panoptic(annotations))


def tar_of(path: Path, members: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def coconut_panoptic(path: Path) -> Path:
    """Of image 9 the segments 1 to 4, of which 3 is a crowd."""
    infos = [{"id": id, "category_id": 1, "iscrowd": int(id == 3)} for id in (1, 2, 3, 4)]
    annotation = {"image_id": 9, "file_name": "000000000009.png", "segments_info": infos}
    return write_json(path, panoptic([annotation]))


def coconut_pancap(folder: Path, name: str = "train2017") -> Path:
    """A tar with one tagged caption, and its panoptic file beside."""
    coconut_panoptic(folder / f"panoptic_{name}.json")
    members = {f"caption_{name}/000000000009.txt": TAGGED.encode()}
    return tar_of(folder / f"caption_{name}.tar", members)


def gcg(path: Path) -> Path:
    """Two phrases over three masks, one of which is shared."""
    groundings = {
        "A man": {"token_positives": [0, 5], "rle_masks": [{"size": [2, 2], "counts": "13"}]},
        "two wooden chairs": {
            "token_positives": [9, 26],
            "rle_masks": [{"size": [2, 2], "counts": c} for c in ("13", "04", "22")],
        },
    }
    entry = {"file_name": "sa_1.jpg", "caption": f'"{UNTAGGED}"', "groundings": groundings}
    return write_json(path, [entry])


def llava(path: Path) -> Path:
    """One image with two answers."""
    turns = [
        {"from": "human", "value": "<image>\nWhat is this?"},
        {"from": "gpt", "value": "<p> A man </p> [SEG] sits by a <p> tree </p> <SEG_s>."},
        {"from": "human", "value": "And then?"},
        {"from": "gpt", "value": "He waits."},
    ]
    return write_json(path, [{"id": "9", "image": "coco/9.jpg", "conversations": turns}])
