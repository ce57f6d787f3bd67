"""CLIP's pictures per second by the provider of ``score_clip``, beside the bare library's call.

::

    python -m tests.benchmarks.clip [--images 64] [--batch 32] [--rounds 3] [--threads 1]

Both sides take the same PNGs (regions of the example photographs, cut out as ``score_clip`` cuts
them) to vectors of one CLIP: decoding, scaling, computing. The CLIP has the shape of ViT-B/32 and
random weights (``--tiny``: a much smaller one, before which all that is not arithmetic shows). The
provider gets the regions of each photograph in a call of its own, all at the same time, as records
do; the library gets one list of pictures. The sides take turns, and the best round of each counts.
CPU seconds tell what the work costs, wall seconds also what of it goes on at the same time.
``--device cuda`` measures on a GPU, where decoding and scaling are what takes time.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import io
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from annoengine.mask import RecordFiles
from annoengine.providers.sentence_transformers import SentenceTransformers
from annoengine.record import Category, Photo, Record, Segment
from annoengine.region_crops import region_crops
from tests.tiny_clip import save_tiny_clip

PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"
AIM = 0.9
_MARGIN = 0.1


@dataclass
class Round:
    """What one side took for all pictures."""

    wall_s: float
    cpu_s: float


def save_clip(folder: Path, tiny: bool) -> Path:
    """A CLIP with random weights, in the shape of ViT-B/32: transformers' own defaults."""
    save_tiny_clip(folder)
    if tiny:
        return folder
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    words = transformers.CLIPConfig.from_pretrained(folder).text_config
    kept = ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id")
    text = {name: getattr(words, name) for name in kept}
    torch.manual_seed(0)
    transformers.CLIPModel(transformers.CLIPConfig(text_config=text)).save_pretrained(folder)
    prepares = json.loads((folder / "preprocessor_config.json").read_text())
    prepares |= {"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}}
    (folder / "preprocessor_config.json").write_text(json.dumps(prepares))
    return folder


def crops_of_photographs(count: int) -> list[list[bytes]]:
    """So many regions as PNGs, those of each photograph together, again from the first at the end.

    Each time round they are cut a little wider, so that no two are the same.
    """
    listed = json.loads((PHOTOGRAPHS / "panoptic.json").read_text())
    images = {image["id"]: image for image in listed["images"]}
    groups: list[list[bytes]] = []
    margin = _MARGIN
    while True:
        for annotation in listed["annotations"]:
            image = images[annotation["image_id"]]
            files = RecordFiles(PHOTOGRAPHS / "images" / image["file_name"])
            width, height = Image.open(str(files.image)).size
            segments = tuple(_segment(s) for s in annotation["segments_info"] if not s["iscrowd"])
            photo = Photo(file=image["file_name"], width=width, height=height, sha256="0" * 64)
            record = Record(id=f"a/b/{image['id']}", photo=photo, segments=segments)
            ids = [segment.id for segment in segments][: count - sum(map(len, groups))]
            groups.append(region_crops(files, record.to_line(), ids, "box", margin))
            if sum(map(len, groups)) == count:
                return groups
        margin += 0.01


def _segment(info: dict[str, Any]) -> Segment:
    x, y, width, height = info["bbox"]
    return Segment(
        id=info["id"],
        category=Category(name="thing"),
        isthing=True,
        box_xyxy=(x, y, x + width, y + height),
        area_px=info["area"],
    )


def timed_provider(
    provider: SentenceTransformers, groups: list[list[bytes]], loop: asyncio.AbstractEventLoop
) -> tuple[Round, np.ndarray]:
    """The provider's vectors, and what they took."""

    async def all_groups() -> list[np.ndarray]:
        return list(await asyncio.gather(*(provider.embed(group) for group in groups)))

    wall, cpu = time.perf_counter(), time.process_time()
    rows = loop.run_until_complete(all_groups())
    return Round(time.perf_counter() - wall, time.process_time() - cpu), np.concatenate(rows)


def timed_library(model: Any, groups: list[list[bytes]], batch: int) -> tuple[Round, np.ndarray]:
    """The library's vectors, and what they took."""
    wall, cpu = time.perf_counter(), time.process_time()
    pictures = [Image.open(io.BytesIO(data)) for group in groups for data in group]
    rows = model.encode(
        pictures, batch_size=batch, normalize_embeddings=True, show_progress_bar=False
    )
    return Round(time.perf_counter() - wall, time.process_time() - cpu), np.asarray(rows)


def main() -> None:
    """Prints images a second of both, and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--tiny", action="store_true")
    chosen = parser.parse_args()
    torch: Any = importlib.import_module("torch")
    package: Any = importlib.import_module("sentence_transformers")
    groups = crops_of_photographs(chosen.images)
    with tempfile.TemporaryDirectory() as folder:
        path = save_clip(Path(folder), chosen.tiny)
        options = {"batch_size": chosen.batch, "device": chosen.device, "threads": chosen.threads}
        provider = SentenceTransformers(str(path), options)
        loop = asyncio.new_event_loop()
        loop.run_until_complete(provider.open())
        torch.set_num_threads(chosen.threads)
        library = package.SentenceTransformer(str(path), device=chosen.device)
        ours: list[Round] = []
        bare: list[Round] = []
        for number in range(chosen.rounds + 1):
            one, rows = timed_provider(provider, groups, loop)
            other, expected = timed_library(library, groups, chosen.batch)
            apart = float(np.abs(rows - expected).max())
            assert apart < 1e-3, f"the two sides differ by {apart}"
            if number:  # the first round warms both up
                ours.append(one)
                bare.append(other)
        loop.run_until_complete(provider.close())
        loop.close()
    shape = "a tiny CLIP" if chosen.tiny else "ViT-B/32"
    print(f"{chosen.images} regions, {shape}, batches of {chosen.batch}, {chosen.device}")
    for what in ("wall_s", "cpu_s"):
        mine, theirs = (min(getattr(r, what) for r in side) for side in (ours, bare))
        print(
            f"{what}: {chosen.images / mine:.2f} images a second, {chosen.images / theirs:.2f} by "
            f"the bare call: {theirs / mine:.2f} of it (aim {AIM})"
        )


if __name__ == "__main__":
    main()
