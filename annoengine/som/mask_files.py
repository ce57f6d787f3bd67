"""The record's masks, read once, cut anew for every scale that is tried."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from annoengine.errors import InputError, RecordFailed
from annoengine.fingerprint import sha256_hex
from annoengine.mask import IdMap, Mask, RecordFiles, ids_from_png, mask_from_rle
from annoengine.som.layout import Bits, BoxPx, Region, Target
from annoengine.som.region import (
    Scene,
    region_of_box,
    region_of_mask,
    regions_of_ids,
    split_ids,
    uncover,
)

_Rle = tuple[str, tuple[int, int]]


class MaskFiles:
    """The masks of the targets, and of the segments that are not marked but must be seen.

    ``photo_wh`` is the size that every mask must have; ``sha256`` that of the panoptic PNG, where
    it is to be checked. Raises RecordFailed: ``mask`` and ``mask changed``.
    """

    def __init__(
        self,
        files: RecordFiles,
        targets: Sequence[Target],
        photo_wh: tuple[int, int],
        sha256: str | None,
    ) -> None:
        self.targets = targets
        self.photo_wh = photo_wh
        self.ids: IdMap | None = None
        self.rles: dict[int, _Rle] = {}
        self._decoded: dict[int, Mask] = {}
        if all(target.mask is None for target in targets):
            return
        if files.panoptic is not None:
            self.ids = self._read_png(files.panoptic, sha256)
        else:
            self.rles = {key: (counts, size) for key, counts, size in files.rles or ()}

    def _read_png(self, path: Path, sha256: str | None) -> IdMap:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise RecordFailed("mask", f"{path.name} cannot be read: {error.strerror}") from None
        if sha256 is not None and sha256_hex(data) != sha256:
            raise RecordFailed(
                "mask changed",
                f"{path.name} is not the panoptic mask that the record was made from; "
                "restore the file, or start the run anew",
            )
        try:
            ids = ids_from_png(data, path.name)
        except InputError as error:
            raise RecordFailed("mask", str(error)) from None
        self._check_size(ids.shape, path.name)
        return ids

    def _check_size(self, shape: tuple[int, ...], name: str) -> None:
        width, height = self.photo_wh
        if shape != (height, width):
            raise RecordFailed(
                "mask",
                f"{name} is {shape[1]} × {shape[0]} pixels, the photograph {width} × {height}",
            )

    def scene(self, drawn_wh: tuple[int, int], scale: float) -> Scene:
        """The regions of all targets, in order, at one scale; and those of all other segments.

        Others are known where a store of masks has keys that no target names: crowds, and what
        another drawing of the same picture marks.
        """
        try:
            if self.ids is not None and all(target.mask is not None for target in self.targets):
                return split_ids(self.ids, self.targets, drawn_wh, scale)
            regions = [self._region(target, drawn_wh, scale) for target in self.targets]
        except InputError as error:
            raise RecordFailed("mask", str(error)) from None
        return Scene(uncover(regions, drawn_wh), self._others(drawn_wh, scale), None)

    def _others(self, drawn_wh: tuple[int, int], scale: float) -> list[Region]:
        """The masks that no target names; one that cannot be used is nothing to be careful of."""
        marked = {target.mask for target in self.targets}
        others: list[Region] = []
        for key in self.rles:
            if key not in marked:
                try:
                    other = Target(0, key, "", (0, 0, 0, 0), key)
                    others.append(self._region(other, drawn_wh, scale))
                except (InputError, RecordFailed):
                    continue
        return others

    def _region(self, target: Target, drawn_wh: tuple[int, int], scale: float) -> Region:
        if target.mask is None:
            return region_of_box(target, drawn_wh, scale)
        if self.ids is not None:
            return regions_of_ids(self.ids, [target], drawn_wh, scale)[0]
        return region_of_mask(target, self._mask(target.mask, target.segment), drawn_wh, scale)

    def _mask(self, key: int, segment: int) -> Mask:
        if key not in self._decoded:
            if key not in self.rles:
                raise InputError(f"segment {segment} has no mask with key {key}")
            counts, size = self.rles[key]
            mask = mask_from_rle({"size": list(size), "counts": counts})
            self._check_size(mask.shape, f"the mask of segment {segment}")
            self._decoded[key] = mask
        return self._decoded[key]

    def cut(self, target: Target, box: BoxPx) -> Bits:
        """The target's mask in a box of the photograph; all ones where only its box is known."""
        x1, y1, x2, y2 = box
        if target.mask is None:
            left, top, right, bottom = target.box_xyxy
            xs = np.arange(x1, x2) + 0.5
            ys = np.arange(y1, y2) + 0.5
            inside = ((ys > top) & (ys < bottom))[:, None] & ((xs > left) & (xs < right))[None]
            return inside.view(np.uint8)
        if self.ids is not None:
            on = self.ids[y1:y2, x1:x2] == target.mask
        else:
            on = self._mask(target.mask, target.segment)[y1:y2, x1:x2]
        return np.ascontiguousarray(on).view(np.uint8)
