"""Random scenes to be marked: an id map with stuff, things, poles, specks, holes and parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from annoengine.fingerprint import sha256_hex
from annoengine.mask import (
    IdMap,
    Mask,
    RecordFiles,
    box_of,
    rle_from_mask,
    write_panoptic_png,
)
from annoengine.model_sight import AS_IS, Sight
from annoengine.photo import ImageRgb
from annoengine.segments_png import measure
from annoengine.som.draw import Commission
from annoengine.som.layout import Target


@dataclass(frozen=True)
class Scene:
    """A picture and its ids; ``crowds`` are ids that no mark may name."""

    photo: ImageRgb
    ids: IdMap
    crowds: frozenset[int]

    @property
    def size_wh(self) -> tuple[int, int]:
        return (self.ids.shape[1], self.ids.shape[0])


def blank(width: int, height: int, id: int = 0) -> IdMap:
    """A map of one id."""
    return np.full((height, width), id, dtype=np.uint32)


def random_scene(seed: int, most: int = 40, largest: int = 320) -> Scene:
    """A scene of up to ``most`` segments, sides from 24 to ``largest`` pixels."""
    draw = np.random.default_rng(seed)
    width, height = (int(draw.integers(24, largest + 1)) for _ in range(2))
    return scene_of(seed, width, height, int(draw.integers(1, most + 1)))


def scene_of(seed: int, width: int, height: int, count: int) -> Scene:
    """A scene of at most ``count`` segments; later ones may cover earlier ones wholly."""
    draw = np.random.default_rng([seed, count])
    ys, xs = np.mgrid[0:height, 0:width]
    stuff = min(count, int(draw.integers(1, 6)))
    seeds = np.stack([draw.integers(0, width, stuff), draw.integers(0, height, stuff)], axis=1)
    distance = (xs[..., None] - seeds[:, 0]) ** 2 + (ys[..., None] - seeds[:, 1]) ** 2
    ids = (distance.argmin(axis=-1) + 1).astype(np.uint32)
    ids[draw.random((height, width)) < 0.001] = 0
    for id in range(stuff + 1, count + 1):
        ids[_thing(draw, xs, ys)] = id
    # Ids of a real PNG are sparse and large; the map's own order must not matter.
    names = draw.permutation(np.arange(1, 1 << 20, 991))[: count + 1].astype(np.uint32)
    names[0] = 0
    present = np.unique(ids[ids > 0])
    crowds = frozenset(int(names[i]) for i in present if draw.random() < 0.08)
    low = draw.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), dtype=np.uint8)
    photo = np.asarray(
        Image.fromarray(low).resize((width, height), Image.Resampling.BICUBIC), dtype=np.uint8
    )
    return Scene(photo, names[ids], crowds)


def _thing(draw: np.random.Generator, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    height, width = xs.shape
    x, y = draw.integers(0, width), draw.integers(0, height)
    kind = draw.integers(0, 6)
    size = float(draw.choice([2, 4, 8, 16, 30, 60]))
    if kind == 0:
        return np.asarray((xs == x) & (ys == y))
    if kind == 1:  # a pole
        return np.asarray((abs(xs - x) <= 1 + size / 16) & (abs(ys - y) <= 3 * size))
    ellipse = ((xs - x) / size) ** 2 + ((ys - y) / (size * draw.uniform(0.4, 1.5))) ** 2
    if kind == 2:  # a ring
        return np.asarray((ellipse <= 1) & (ellipse >= 0.3))
    if kind == 3:  # two parts
        other = ((xs - width + x) / size) ** 2 + ((ys - y) / (size / 2)) ** 2
        return np.asarray((ellipse <= 1) | (other <= 1))
    if kind == 4:
        return np.asarray((abs(xs - x) <= size) & (abs(ys - y) <= size / 2))
    return np.asarray(ellipse <= 1)


def targets_of(scene: Scene) -> tuple[Target, ...]:
    """Every segment that is no crowd, numbered by its place on the map."""
    measured = measure(scene.ids)
    marked = [id for id in measured if id and id not in scene.crowds]
    return tuple(
        Target(number, id, str(number), measured[id].box_xyxy, id)
        for number, id in enumerate(marked, start=1)
    )


def stored(scene: Scene, folder: Path, suffix: str = ".png") -> RecordFiles:
    """The scene on disk."""
    image, panoptic = folder / f"photo{suffix}", folder / "panoptic.png"
    Image.fromarray(scene.photo).save(image)
    write_panoptic_png(panoptic, scene.ids)
    return RecordFiles(image, panoptic)


def commission_of(scene: Scene, files: RecordFiles, sight: Sight = AS_IS) -> Commission:
    """What is to be drawn of a stored scene."""
    panoptic = files.panoptic
    assert panoptic is not None
    return Commission(
        targets=targets_of(scene),
        photo_wh=scene.size_wh,
        photo_sha256=sha256_hex(files.image.read_bytes()),
        masks_sha256=sha256_hex(panoptic.read_bytes()),
        sight=sight,
        encoder="png",
    )


_WORDS = (
    "person", "tennis racket", "dining table", "sky", "traffic light", "tv", "sports ball",
    "potted plant", "window-blind", "cup", "wall-other-merged", "dog", "refrigerator",
)  # fmt: skip


def worded(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """The same targets with long labels: ``12:tennis racket``."""
    return tuple(
        replace(target, text=f"{target.number}:{_WORDS[target.segment % len(_WORDS)]}")
        for target in targets
    )


@dataclass(frozen=True)
class MaskScene:
    """A picture and masks that may overlap, by key; the targets name those that are marked."""

    photo: ImageRgb
    masks: dict[int, Mask]
    targets: tuple[Target, ...]

    @property
    def size_wh(self) -> tuple[int, int]:
        return (self.photo.shape[1], self.photo.shape[0])


def overlapping_scene(seed: int, most: int = 30, largest: int = 320) -> MaskScene:
    """Masks of things that overlap at random, one on another, twins and nested ones too."""
    draw = np.random.default_rng([seed, 7])
    scene = random_scene(seed, most=2, largest=largest)
    width, height = scene.size_wh
    ys, xs = np.mgrid[0:height, 0:width]
    masks: dict[int, Mask] = {0: np.ones((height, width), dtype=np.bool_)}
    for key in range(1, int(draw.integers(2, most + 1))):
        mask = _thing(draw, xs, ys).astype(np.bool_)
        if draw.random() < 0.1:
            mask = masks[int(draw.integers(0, key))].copy()
        masks[key] = mask if mask.any() else masks[0].copy()
    marked = [key for key in masks if key == 0 or draw.random() < 0.9]
    targets = tuple(
        Target(number, 100 + key, str(number), box_of(masks[key]), key)
        for number, key in enumerate(marked, start=1)
    )
    return MaskScene(scene.photo, masks, targets)


def stored_masks(scene: MaskScene, folder: Path) -> RecordFiles:
    """The photograph on disk, the masks as RLEs."""
    image = folder / "photo.png"
    Image.fromarray(scene.photo).save(image, compress_level=1)
    width, height = scene.size_wh
    rles = tuple(
        (key, rle_from_mask(mask)["counts"], (height, width)) for key, mask in scene.masks.items()
    )
    return RecordFiles(image, rles=rles)
