"""How near found regions come to masks that people drew, and how long finding them takes.

Prints for each photograph of a COCO panoptic dataset: how many segments are known, how many
regions were found, the covering (the mean over known pixels of their segment's IoU with the region
that fits it best), the mean best IoU of the known segments (those of 0.3 % of the picture or
more), and seconds::

    python -m tests.benchmarks.segmentation
    python -m tests.benchmarks.segmentation --segmenter sam:models/sam-vit-base --data coco_sample
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annoengine.mask import IdMap, Mask
from annoengine.photo import read_photo
from annoengine.segmenter import MAX_REGIONS, Segmenter, find_segmenter
from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters

EXAMPLES = Path(__file__).parents[2] / "examples/photographs"
_LEAST_SHARE = 0.003


def fits(ids: IdMap, masks: list[Mask]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each known segment's share of the known pixels, and its best IoU with a region.

    Source: Arbelaez et al., Contour Detection and Hierarchical Image Segmentation, PAMI 2011,
    section 3.1 (covering). Void is left out of both.
    """
    known = ids > 0
    shares, best = [], []
    for id in np.unique(ids[known]).tolist():
        segment = ids == id
        shares.append(float(segment.sum() / known.sum()))
        ious = [(segment & m).sum() / (segment | (m & known)).sum() for m in masks]
        best.append(float(max(ious, default=0.0)))
    return np.array(shares), np.array(best)


def measure(segmenter: Segmenter, folder: Path) -> list[tuple[float, ...]]:
    """The figures of every photograph of a dataset, printed as they come."""
    inputs = {
        "images": folder / "images",
        "annotations": folder / "panoptic.json",
        "panoptic": folder / "panoptic",
    }
    source = CocoPanoptic(CocoPanopticParameters(), inputs, 0)
    figures: list[tuple[float, ...]] = []
    for entry in source.entries():
        record = source.open(entry).record
        if record is None:
            continue
        files = source.files(record)
        photo = read_photo(files.image)
        start = time.perf_counter()
        masks = [region.mask for region in segmenter.regions(photo)]
        seconds = time.perf_counter() - start
        shares, best = fits(files.ids(), masks)
        seen = best[shares >= _LEAST_SHARE]
        row = (len(shares), len(masks), float(shares @ best), float(seen.mean()), seconds)
        print(f"{record.photo.file:20} {_row(row)}")
        figures.append(row)
    return figures


def _row(row: tuple[float, ...]) -> str:
    known, found, covering, best, seconds = row
    return f"{known:6.1f} {found:6.1f} {covering:9.3f} {best:9.3f} {seconds:8.2f}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--segmenter", default="graph")
    parser.add_argument("--max-regions", type=int, default=MAX_REGIONS)
    parser.add_argument("--data", type=Path, nargs="*", default=[EXAMPLES])
    arguments = parser.parse_args()
    segmenter = find_segmenter(arguments.segmenter, arguments.max_regions)
    print("photograph            known  found  covering  best IoU  seconds")
    rows = [row for folder in arguments.data for row in measure(segmenter, folder)]
    means = tuple(float(np.mean(column)) for column in zip(*rows, strict=True))
    print(f"{'mean':20} {_row(means)}")


if __name__ == "__main__":
    main()
