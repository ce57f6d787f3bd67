"""Pictures as Qwen's vision part takes them: resized in a worker, cut into patches on the device.

A worker process decodes and resizes and sends back 8-bit pixels, an eighth of what patches in
float32 would be; colours become numbers by a table of 256 entries a channel, in which the
processor's own arithmetic is done once. The values are those of transformers' image processor,
bit for bit (tested), without torchvision and without loading transformers in the workers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annoengine.errors import InputError, RecordFailed, SettingError
from annoengine.local.chat import Pixels

_MOST_RATIO = 200
"""Longer pictures are refused. Source: ``smart_resize`` of transformers' Qwen2-VL processor."""


@dataclass(frozen=True)
class PictureRule:
    """How pictures become patches. The fields and their defaults are the image processor's.

    Source: transformers, ``Qwen2VLImageProcessor``; a checkpoint's preprocessor_config.json sets
    them.
    """

    min_pixels: int = 56 * 56
    max_pixels: int = 28 * 28 * 1280
    patch_px: int = 14
    merge: int = 2
    frames: int = 2
    """Each patch is repeated so often: a picture is a film of one pair of frames."""

    mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)
    scale: float = 1 / 255
    resample: int = 3
    """Pillow's number of the filter; 3 is bicubic."""

    def size_wh(self, width: int, height: int) -> tuple[int, int]:
        """The size at which a picture is seen: sides in whole merged patches, area in bounds.

        >>> PictureRule().size_wh(640, 480), PictureRule(max_pixels=200_704).size_wh(640, 480)
        ((644, 476), (504, 364))

        Raises ValueError for a picture that is more than 200 times as long as wide.
        """
        if max(width, height) > _MOST_RATIO * min(width, height):
            raise ValueError(
                f"{width} × {height} pixels: more than {_MOST_RATIO} times as long as wide"
            )
        step = self.patch_px * self.merge
        wide, high = (round(side / step) * step for side in (width, height))
        if wide * high > self.max_pixels:
            factor = math.sqrt(width * height / self.max_pixels)
            wide, high = (
                max(step, math.floor(side / factor / step) * step) for side in (width, height)
            )
        elif wide * high < self.min_pixels:
            factor = math.sqrt(self.min_pixels / (width * height))
            wide, high = (math.ceil(side * factor / step) * step for side in (width, height))
        return wide, high

    def grid(self, pixels: Pixels) -> tuple[int, int]:
        """Patches of a resized picture: down, across."""
        return pixels.shape[0] // self.patch_px, pixels.shape[1] // self.patch_px

    def tokens(self, pixels: Pixels) -> int:
        """Tokens of a resized picture."""
        down, across = self.grid(pixels)
        return down * across // self.merge**2

    def bounded(self, min_pixels: int | None, max_pixels: int | None) -> PictureRule:
        """The rule with other bounds, where they are given."""
        rule = replace(
            self,
            min_pixels=min_pixels or self.min_pixels,
            max_pixels=max_pixels or self.max_pixels,
        )
        if rule.min_pixels > rule.max_pixels:
            raise SettingError(
                f"min_pixels {rule.min_pixels} is more than max_pixels {rule.max_pixels}; give both"
            )
        return rule

    def colours(self) -> NDArray[np.float32]:
        """float32 (3, 256): the number that stands for each value of each channel."""
        scaled = (np.arange(256, dtype=np.float64) * self.scale).astype(np.float32)
        mean = np.array(self.mean, dtype=np.float32)[:, None]
        std = np.array(self.std, dtype=np.float32)[:, None]
        table: NDArray[np.float32] = (scaled[None] - mean) / std
        return table


def read_picture_rule(folder: Path) -> PictureRule | None:
    """The rule of a checkpoint; None where it has no image processor."""
    for name, section in (
        ("preprocessor_config.json", None),
        ("processor_config.json", "image_processor"),
    ):
        path = folder / name
        if not path.is_file():
            continue
        settings = json.loads(path.read_bytes())
        settings = settings.get(section) if section else settings
        if isinstance(settings, dict):
            return _rule_of(settings)
    return None


def _rule_of(settings: Mapping[str, Any]) -> PictureRule:
    size = settings.get("size") or {}
    read: dict[str, Any] = {
        "min_pixels": settings.get("min_pixels") or size.get("shortest_edge"),
        "max_pixels": settings.get("max_pixels") or size.get("longest_edge"),
        "patch_px": settings.get("patch_size"),
        "merge": settings.get("merge_size"),
        "frames": settings.get("temporal_patch_size"),
        "mean": settings.get("image_mean"),
        "std": settings.get("image_std"),
        "scale": settings.get("rescale_factor"),
        "resample": settings.get("resample"),
    }
    found: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in read.items() if v is not None
    }
    return replace(PictureRule(), **found)


def resized_picture(data: bytes, rule: PictureRule) -> Pixels:
    """An encoded picture at the size that the model sees; runs in a worker.

    Raises RecordFailed(``image``) for bytes that are no picture, or one of a shape that the model
    does not take.
    """
    # The decoder is loaded where the work is done, and only there.
    from PIL import Image

    from annoengine.photo import decode_photo

    try:
        image = decode_photo(data, "a picture to be described")
        height, width = image.shape[:2]
        size = rule.size_wh(width, height)
    except (InputError, ValueError) as error:
        raise RecordFailed("image", str(error)) from None
    if size == (width, height):
        return np.ascontiguousarray(image)
    resized = Image.fromarray(image).resize(size, resample=Image.Resampling(rule.resample))
    return np.asarray(resized)


def patches(pictures: Sequence[Pixels], rule: PictureRule, device: str, table: Any) -> Any:
    """Tensor (patches of all pictures, channels * frames * patch²) on ``device``, and their grids.

    ``table`` is :meth:`PictureRule.colours` as a tensor there. The four patches that are merged
    into a token follow each other. Grids: int64 (pictures, 3): frames (1), down, across.
    """
    import importlib

    torch: Any = importlib.import_module("torch")
    rows, grids = [], []
    for pixels in pictures:
        down, across = rule.grid(pixels)
        image = torch.from_numpy(np.array(pixels)).to(device, non_blocking=True).long()
        values = torch.stack([table[channel][image[..., channel]] for channel in range(3)])
        m, p = rule.merge, rule.patch_px
        values = values.reshape(3, down // m, m, p, across // m, m, p)
        values = values.permute(1, 4, 2, 5, 0, 3, 6).unsqueeze(5)
        values = values.expand(-1, -1, -1, -1, -1, rule.frames, -1, -1)
        rows.append(values.reshape(down * across, 3 * rule.frames * p * p))
        grids.append((1, down, across))
    return torch.cat(rows), torch.tensor(grids, dtype=torch.int64, device=device)
