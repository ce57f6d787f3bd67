"""Reads a panoptic JSON of 500 MB: seconds and peak memory, against ``json.load``.

    python -m tests.benchmarks.big_json [--megabytes 500] [--form panoptic|list]

Makes the file in a temporary folder, then lists it through the source in a process of its own,
and loads it whole in another. No photograph is opened: only the listing reads the file.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SEGMENTS = 13
"""Of an image: COCONut-S has 1.54 million masks in 118,000. Source: arXiv 2404.08639, table 2."""


def write_json(path: Path, megabytes: int, form: str) -> int:
    """Writes the file image by image; gives the number of images."""
    segments = [
        {
            "id": at + 3_000_000,
            "category_id": 1 if at % 2 else 187,
            "iscrowd": 0,
            "isthing": at % 2,
            "bbox": [10 * at, 20, 100, 200],
            "area": 12_345 + at,
        }
        for at in range(SEGMENTS)
    ]
    numbers = range(1, 1 << 30)
    images = 0
    with path.open("w") as file:
        file.write('{"annotations": [\n' if form == "panoptic" else "[\n")
        for number in numbers:
            stem = f"{number:012d}"
            entry = {"image_id": number, "file_name": f"{stem}.png", "segments_info": segments}
            file.write((",\n" if images else "") + json.dumps(entry))
            images += 1
            # An image record is another 250 bytes.
            if file.tell() + 250 * images * (form == "panoptic") > megabytes * 1_000_000:
                break
        if form == "panoptic":
            file.write('],\n"images": [\n')
            for number in numbers[:images]:
                entry = {
                    "license": 3,
                    "file_name": f"{number:012d}.jpg",
                    "coco_url": f"http://images.cocodataset.org/train2017/{number:012d}.jpg",
                    "height": 480,
                    "width": 640,
                    "date_captured": "2013-11-14 16:03:19",
                    "id": number,
                }
                file.write((",\n" if number > 1 else "") + json.dumps(entry))
            categories = [
                {"id": 1, "name": "person", "isthing": 1},
                {"id": 187, "name": "sky-other-merged", "isthing": 0},
            ]
            file.write('],\n"categories": ' + json.dumps(categories) + "}")
        else:
            file.write("]")
    return images


def list_entries(path: Path) -> int:
    """How many entries the source gives; the first says when it comes."""
    from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters
    from annoengine.sources.coconut import Coconut, CoconutParameters

    inputs = {"images": path.parent, "annotations": path}
    with path.open("rb") as file:
        is_list = file.read(1) == b"["
    source = (
        Coconut(CoconutParameters(), inputs, 0)
        if is_list
        else CocoPanoptic(CocoPanopticParameters(), inputs, 0)
    )
    begin, count = time.perf_counter(), 0
    for _ in source.entries():
        if not count:
            print(f"  first entry after {time.perf_counter() - begin:.1f} s")
        count += 1
    return count


def load_whole(path: Path) -> int:
    """The plain way."""
    with path.open("rb") as file:
        value = json.load(file)
    return len(value if isinstance(value, list) else value["annotations"])


def measure(way: str, path: Path) -> None:
    """Runs one way in this process and prints what it took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    count = {"list": list_entries, "load": load_whole}[way](path)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    name = {"list": "source", "load": "json.load"}[way]
    size = path.stat().st_size / 1e6
    print(
        f"{name}: {count} images, {seconds:.1f} s ({size / seconds:.0f} MB/s), "
        f"peak memory {peak / 1024:.0f} MB ({(peak - before) / 1024:.0f} MB above the start)"
    )


def main() -> None:
    """Makes the file and measures both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--form", choices=("panoptic", "list"), default="panoptic")
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "PATH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure[0], Path(given.measure[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panoptic_train.json"
        images = write_json(path, given.megabytes, given.form)
        print(f"{path.stat().st_size / 1e6:.0f} MB, {images} images of {SEGMENTS} segments")
        for way in ("list", "load"):
            command = [sys.executable, "-m", "tests.benchmarks.big_json"]
            subprocess.run([*command, "--measure", way, str(path)], check=True)


if __name__ == "__main__":
    main()
