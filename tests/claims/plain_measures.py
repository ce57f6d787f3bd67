"""Measures the segments of a folder in COCO's panoptic form with NumPy, by no code of the package.

What it gives stands behind the generated statements: boxes, centres, areas, and which colours a
segment has or lacks by a wide margin. What is close has no colour here.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor
from skimage.color import rgb2lab

SPOKEN = {
    "sky-other-merged": "sky",
    "grass-merged": "grass",
    "wall-other-merged": "wall",
    "table-merged": "table",
    "food-other-merged": "food",
    "building-other-merged": "building",
    "water-other": "water",
    "mountain-merged": "mountain",
}
"""How categories with joined names are called in a sentence."""

UNTOLD = frozenset({"tree-merged", "boat", "flower bud"})
"""Plural words, and categories of which the photographs show more than is annotated."""

SEEN_THROUGH = frozenset({"lattice tower", "service structure", "floodlight"})
"""Their masks hold mostly what is behind them, so their pixels tell no colour of theirs."""

ANCHORS = {
    "red": ("red", "crimson", "firebrick"),
    "orange": ("orange", "darkorange"),
    "yellow": ("yellow", "gold"),
    "green": ("green", "forestgreen", "limegreen", "darkgreen"),
    "blue": ("blue", "royalblue", "navy", "mediumblue"),
    "purple": ("purple", "darkorchid", "indigo"),
    "pink": ("hotpink", "pink", "deeppink"),
    "brown": ("saddlebrown", "sienna"),
    "black": ("black",),
    "white": ("white", "snow"),
    "grey": ("gray", "dimgray", "darkgray"),
}
"""What a colour's name stands for, in CSS names (CSS Color Module Level 4, section 6.1)."""

ALIKE = (
    frozenset({"red", "orange", "yellow", "brown", "pink"}),
    frozenset({"green", "blue"}),
    frozenset({"blue", "purple"}),
    frozenset({"red", "purple", "pink"}),
    frozenset({"yellow", "green"}),
    frozenset({"black", "grey", "white"}),
)
"""Colours that people take for each other; none of them is the false colour of another."""

NEAR, APART, FAR = 24.0, 12.0, 45.0
"""Lab distances of our own: a segment has a colour if its mean is NEAR an anchor of it and every
other name is APART further off; it lacks one if hardly a pixel (2 %) is within FAR of an anchor.
They were set before any check ran, so that what is left is plain to see in the photographs."""

GREY_CHROMA = 3.5
"""Above it a mean that is nearest to black, grey or white is not told: it has a tint."""

Labs = NDArray[np.float64]

LABS: dict[str, Labs] = {
    name: np.array([rgb2lab(np.array(ImageColor.getrgb(css)) / 255) for css in anchors])
    for name, anchors in ANCHORS.items()
}


@dataclass(frozen=True)
class Region:
    """A segment as it was measured; boxes are (x1, y1, x2, y2), half-open.

    ``colour`` is empty where it is not plain; ``lacks`` are colours that it plainly has not.
    """

    id: int
    name: str
    thing: bool
    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    centre: tuple[float, float]
    area: int
    colour: str
    lacks: tuple[str, ...]

    @functools.cached_property
    def ring(self) -> NDArray[np.bool_]:
        """The pixels that are 4-neighbours of the mask and not in it."""
        return ring_of(self.mask)


def measure_folder(folder: Path) -> Iterator[tuple[str, list[Region]]]:
    """The photographs of a folder, by file name, with their regions.

    Crowds are left out, and so are all segments of a category that has one.
    """
    index = json.loads((folder / "panoptic.json").read_text(encoding="utf-8"))
    files = {image["id"]: image["file_name"] for image in index["images"]}
    categories = {category["id"]: category for category in index["categories"]}
    for annotation in index["annotations"]:
        file = files[annotation["image_id"]]
        with Image.open(folder / "images" / file) as photo:
            lab = rgb2lab(np.asarray(photo.convert("RGB")) / 255)
        with Image.open(folder / "panoptic" / annotation["file_name"]) as png:
            rgb = np.asarray(png.convert("RGB"), dtype=np.int64)
        ids = rgb[..., 0] + 256 * rgb[..., 1] + 65536 * rgb[..., 2]
        infos = annotation["segments_info"]
        crowded = {info["category_id"] for info in infos if info.get("iscrowd")}
        regions = []
        for info in infos:
            category = categories[info["category_id"]]
            if category["name"] not in UNTOLD and info["category_id"] not in crowded:
                regions.append(region_of(info["id"], category, ids == info["id"], lab))
        yield file, regions


def region_of(id: int, category: dict[str, Any], mask: NDArray[np.bool_], lab: Labs) -> Region:
    """The measurements of one mask; ``lab`` is the photograph (rows, columns, L a b)."""
    ys, xs = np.nonzero(mask)
    colour, lacks = colours_of(lab[mask][:: max(1, len(xs) // 4000)])
    if category["name"] in SEEN_THROUGH:
        colour, lacks = "", ()
    return Region(
        id=id,
        name=SPOKEN.get(category["name"], category["name"]),
        thing=bool(category["isthing"]),
        mask=mask,
        box=(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1),
        centre=(float(xs.mean()), float(ys.mean())),
        area=len(xs),
        colour=colour,
        lacks=lacks,
    )


def colours_of(pixels: Labs) -> tuple[str, tuple[str, ...]]:
    """The plain colour of some Lab pixels ("" if there is none), and those they plainly lack."""
    mean = pixels.mean(axis=0)
    distance = {name: np.linalg.norm(a - mean, axis=1).min() for name, a in LABS.items()}
    nearest, second = sorted(distance, key=lambda name: (distance[name], name))[:2]
    alike = {name for group in ALIKE for name in group if group & {nearest, second}}
    lacks = tuple(name for name, a in LABS.items() if name not in alike and _hardly(pixels, a))
    even = (np.linalg.norm(pixels - mean, axis=1) < 25).mean() > 0.85
    sure = distance[nearest] < NEAR and distance[second] > distance[nearest] + APART
    tinted = nearest in ("black", "grey", "white") and np.hypot(mean[1], mean[2]) > GREY_CHROMA
    return (nearest if even and sure and not tinted else ""), lacks


def _hardly(pixels: Labs, anchors: Labs) -> bool:
    """True where at most 2 % of the pixels are within FAR of an anchor."""
    distance = np.min([np.linalg.norm(pixels - anchor, axis=1) for anchor in anchors], axis=0)
    return bool((distance < FAR).mean() <= 0.02)


def ring_of(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels that are 4-neighbours of a mask and not in it."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown & ~mask


def boxes_near(a: Region, b: Region, gap: float) -> bool:
    """True where the boxes come within ``gap`` pixels of each other."""
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a.box, b.box
    return ax1 - gap < bx2 and bx1 - gap < ax2 and ay1 - gap < by2 and by1 - gap < ay2
