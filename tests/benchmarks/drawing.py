"""Drawing marks: what it costs beside the work that no drawing is spared, and beside a peer.

The floor of a picture is JPEG decoding, PNG decoding and JPEG encoding, in the libraries that
``draw_marks`` uses. Everything runs on one core, in turn within each round, so that a busy machine
slows all of it alike; medians are printed::

    python -m tests.benchmarks.drawing
    python -m tests.benchmarks.drawing --sample COCO_SAMPLE --peers OTHER/bin/python

``--sample`` names a folder with ``panoptic.json``, ``panoptic/`` and ``images/``; ``--peers`` a
Python that has supervision, whose PolygonAnnotator and LabelAnnotator then draw the same masks
onto the same photographs. It is given both decoded, and timed from the id map to the drawn array.
For the comparison ours is taken without its decoding and without the encoding of what it drew.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from annoengine.mask import RecordFiles, ids_from_png
from annoengine.model_sight import sight_of
from annoengine.photo import ImageRgb, decode_photo
from annoengine.som.draw import Commission, draw_marks, encode
from annoengine.som.layout import Target
from annoengine.som.style import find_style, style_names

EXAMPLES = Path(__file__).parents[2] / "examples" / "photographs"

PEER = """
import json, sys, time
import cv2, numpy as np, supervision as sv
cv2.setNumThreads(1)
polygons = sv.PolygonAnnotator()
labels = sv.LabelAnnotator(text_position=sv.Position.CENTER_OF_MASS)
pictures = {}
for line in sys.stdin:
    name = line.strip()
    if name not in pictures:
        with np.load(name) as held:
            pictures[name] = held["photo"], held["ids"], held["keys"]
    photo, ids, keys = pictures[name]
    begun = time.perf_counter()
    masks = np.stack([ids == key for key in keys])
    numbers = np.arange(1, len(keys) + 1)
    found = sv.Detections(xyxy=sv.mask_to_xyxy(masks), mask=masks, class_id=numbers)
    drawn = time.perf_counter()
    scene = polygons.annotate(photo.copy(), found)
    labels.annotate(scene, found, labels=[str(number) for number in numbers])
    ended = time.perf_counter()
    print(json.dumps([ended - begun, ended - drawn]), flush=True)
"""


@dataclass(frozen=True)
class Picture:
    """A photograph with its masks, and the category of each target."""

    name: str
    files: RecordFiles
    size_wh: tuple[int, int]
    targets: tuple[Target, ...]
    categories: tuple[str, ...]

    def commission(self, style: str) -> Commission:
        """What is to be drawn in a style, for gpt-4o."""
        words = find_style(style)
        targets = tuple(
            Target(t.number, t.segment, words.text(t.number, category), t.box_xyxy, t.mask)
            for t, category in zip(self.targets, self.categories, strict=True)
        )
        return Commission(targets, self.size_wh, None, None, sight_of("openai/gpt-4o"), style)


def pictures_of(folder: Path) -> list[Picture]:
    """All pictures of a folder in COCO's panoptic layout, crowds left out."""
    panoptic = json.loads((folder / "panoptic.json").read_bytes())
    listed = panoptic.get("categories") or json.loads(
        (folder / "panoptic_coco_categories.json").read_bytes()
    )
    names = {category["id"]: category["name"] for category in listed}
    images = {image["id"]: image for image in panoptic["images"]}
    pictures = []
    for annotation in panoptic["annotations"]:
        image = images[annotation["image_id"]]
        marked = [info for info in annotation["segments_info"] if not info.get("iscrowd")]
        targets = []
        for number, info in enumerate(marked, start=1):
            x, y, w, h = info["bbox"]
            box = (x, y, x + w, y + h)
            targets.append(Target(number, info["id"], str(number), box, info["id"]))
        files = RecordFiles(
            folder / "images" / image["file_name"], folder / "panoptic" / annotation["file_name"]
        )
        pictures.append(
            Picture(
                image["file_name"],
                files,
                (image["width"], image["height"]),
                tuple(targets),
                tuple(names[info["category_id"]] for info in marked),
            )
        )
    return pictures


Asked = Callable[[Picture], tuple[float, float]]
"""Seconds that the peer takes for a picture: from the id map, and for its drawing alone."""


def decode(picture: Picture) -> ImageRgb:
    """The photograph; the id map is decoded too."""
    assert picture.files.panoptic is not None
    photo = decode_photo(picture.files.image.read_bytes(), picture.name)
    ids_from_png(picture.files.panoptic.read_bytes(), picture.name)
    return photo


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@contextmanager
def peer(python: str | None, pictures: list[Picture]) -> Iterator[Asked | None]:
    """A running peer: gives the seconds that it takes for a picture."""
    if python is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as name:
        paths: dict[str, Path] = {}
        for picture in pictures:
            assert picture.files.panoptic is not None
            photo = decode_photo(picture.files.image.read_bytes(), picture.name)
            ids = ids_from_png(picture.files.panoptic.read_bytes(), picture.name)
            keys = np.array([target.mask for target in picture.targets], dtype=np.uint32)
            paths[picture.name] = Path(name) / f"{picture.name}.npz"
            np.savez(paths[picture.name], photo=photo, ids=ids, keys=keys)
        with subprocess.Popen(
            [python, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            asked, told = process.stdin, process.stdout
            assert asked is not None
            assert told is not None

            def ask(picture: Picture) -> tuple[float, float]:
                asked.write(f"{paths[picture.name]}\n")
                asked.flush()
                line = told.readline()
                if not line:
                    raise SystemExit("the peer stopped: has that Python supervision?")
                whole, drawing = json.loads(line)
                return float(whole), float(drawing)

            yield ask
            asked.close()


def main() -> None:
    """Prints one line for each picture and style, then the means."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", type=Path, help="a folder of COCO's panoptic sample")
    parser.add_argument("--peers", metavar="PYTHON", help="a Python that has supervision")
    parser.add_argument("--styles", nargs="*", default=style_names(), help="all unless given")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    pictures = pictures_of(EXAMPLES)
    if options.sample is not None:
        pictures += pictures_of(options.sample)
    with peer(options.peers, pictures) as ask:
        print("milliseconds, times the floor, times as fast as supervision (without the codecs)")
        print(f"{'picture':18} marks  floor  " + "".join(f"{s:>17}" for s in options.styles))
        totals: dict[str, list[float]] = {}
        for picture in pictures:
            line = measure(picture, options.styles, options.rounds, ask, totals)
            print(line, flush=True)
    print()
    for style in options.styles:
        spent = sum(totals[style])
        text = f"{style:10} {spent / sum(totals['floor']):.2f} times the floor"
        text += f", {len(pictures) / spent:.0f} images/s per core"
        if ask is not None:
            ours = sum(totals[f"{style} drawing"])
            text += f"; without the codecs {sum(totals['peer']) / ours:.1f} times as fast as "
            text += f"supervision, {sum(totals['annotators']) / ours:.1f} as its annotators alone"
        print(text)


def measure(
    picture: Picture,
    styles: list[str],
    rounds: int,
    ask: Asked | None,
    totals: dict[str, list[float]],
) -> str:
    """One picture: every style, the floor and the peer in turn, in each round."""
    commissions = {style: picture.commission(style) for style in styles}
    photo = decode(picture)
    drawn = {
        style: decode_photo(draw_marks(picture.files, commission).data, picture.name)
        for style, commission in commissions.items()
    }
    spent: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        decoding = seconds(lambda: decode(picture))
        taken = {"floor": decoding + seconds(lambda: encode(photo, "jpeg", 92))}
        for style, commission in commissions.items():
            taken[style] = seconds(lambda c=commission: draw_marks(picture.files, c))  # type: ignore[misc]
            encoding = seconds(lambda s=style: encode(drawn[s], "jpeg", 92))  # type: ignore[misc]
            taken[f"{style} drawing"] = taken[style] - decoding - encoding
        if ask is not None:
            taken["peer"], taken["annotators"] = ask(picture)
        if number:  # the first round warms up
            for name, value in taken.items():
                spent.setdefault(name, []).append(value)
    medians = {name: statistics.median(values) for name, values in spent.items()}
    for name, value in medians.items():
        totals.setdefault(name, []).append(value)
    text = f"{picture.name:18} {len(picture.targets):5} {1000 * medians['floor']:6.1f}  "
    for style in styles:
        ratio = statistics.median(
            ours / least for ours, least in zip(spent[style], spent["floor"], strict=True)
        )
        faster = ""
        if ask is not None:
            faster = f" {medians['peer'] / medians[f'{style} drawing']:4.1f}×"
        text += f"{1000 * medians[style]:6.1f} {ratio:4.2f}{faster}".rjust(17)
    return text


if __name__ == "__main__":
    main()
