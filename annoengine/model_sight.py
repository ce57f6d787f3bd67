"""How large a model really sees a picture: a table of published rules, by model name.

A provider shrinks what is too large for its model before the model looks. A mark that was legible
in the file may then be a smudge, so pictures are drawn at the size that survives: never enlarged,
shrunk once, by us. Where a provider's documents of different dates disagree, the smaller size is
taken: a picture drawn too small loses detail, one drawn too large loses its numbers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Literal

SizeWh = tuple[int, int]

Detail = Literal["high", "low"]
"""The ``detail`` of a picture in the OpenAI protocol."""


@dataclass(frozen=True)
class Sight:
    """One rule. Every limit that is set applies, in the order of the fields.

    ``max_side_px``, ``max_short_side_px`` and ``max_pixels`` bound the long side, the short side
    and the area; ``max_patches`` the number of ``patch_px`` squares that cover the picture.
    ``multiple_px`` is what both sides are rounded to at the very end (which may also enlarge), not
    below ``min_pixels``.
    """

    name: str
    max_side_px: int | None = None
    max_short_side_px: int | None = None
    max_pixels: int | None = None
    max_patches: int | None = None
    patch_px: int = 32
    multiple_px: int = 1
    min_pixels: int = 1

    def scale(self, size_wh: SizeWh) -> float:
        """How much a picture must shrink, 0 to 1, so that the model does not shrink it further."""
        width, height = size_wh
        scale = 1.0
        if self.max_side_px is not None:
            scale = min(scale, self.max_side_px / max(width, height))
        if self.max_short_side_px is not None:
            scale = min(scale, self.max_short_side_px / min(width, height))
        if self.max_pixels is not None:
            scale = min(scale, math.sqrt(self.max_pixels / (width * height)))
        if self.max_patches is not None:
            scale *= self._patch_scale(*shrunk(size_wh, scale))
        return scale

    def drawn_wh(self, size_wh: SizeWh) -> SizeWh:
        """The size to draw a picture at: the largest that the model takes as it is.

        >>> sight_of("openai/gpt-4o").drawn_wh((640, 427))
        (640, 427)
        >>> sight_of("openai/gpt-4o").drawn_wh((4000, 3000))
        (1024, 768)
        """
        return shrunk(size_wh, self.scale(size_wh))

    def seen_wh(self, size_wh: SizeWh) -> SizeWh:
        """The size at which the model sees a picture of this size."""
        width, height = self.drawn_wh(size_wh)
        step = self.multiple_px
        if step == 1:
            return width, height
        wide, high = (round(side / step) * step for side in (width, height))
        if self.max_pixels is not None and wide * high > self.max_pixels:
            factor = math.sqrt(self.max_pixels / (width * height))
            wide, high = (
                max(step, math.floor(side * factor / step) * step) for side in (width, height)
            )
        elif wide * high < self.min_pixels:
            factor = math.sqrt(self.min_pixels / (width * height))
            wide, high = (math.ceil(side * factor / step) * step for side in (width, height))
        return max(step, wide), max(step, high)

    def _patch_scale(self, width: int, height: int) -> float:
        side, budget = self.patch_px, self.max_patches or 0
        if math.ceil(width / side) * math.ceil(height / side) <= budget:
            return 1.0
        scale = math.sqrt(side * side * budget / (width * height))
        across, down = width * scale / side, height * scale / side
        return scale * min(
            max(1, math.floor(across)) / across, max(1, math.floor(down)) / down, 1.0
        )


def shrunk(size_wh: SizeWh, scale: float) -> SizeWh:
    """A size scaled down, in whole pixels, at least one a side."""
    # The small addend keeps a side that is whole in exact arithmetic from losing a pixel.
    width, height = (max(1, math.floor(side * scale + 1e-6)) for side in size_wh)
    return width, height


AS_IS = Sight("as_is")

OPENAI_TILES = Sight("openai_tiles", max_side_px=2048, max_short_side_px=768)
"""Fits within 2048 × 2048, then the short side within 768.

Source: OpenAI's guide "Images and vision", "Tile-based image tokenization" (gpt-4o, gpt-4.1,
gpt-5, gpt-5.1, o1, o3), alike in all editions. Smaller pictures are not enlarged.
"""

OPENAI_PATCHES = Sight("openai_patches_1536", max_side_px=2048, max_patches=1536)
"""Fits within 2048 pixels a side and 1,536 patches of 32 × 32.

Source: the same guide, "Patch-based image tokenization", as of 2025 (gpt-4.1-mini, gpt-4.1-nano,
o4-mini, gpt-5-mini, gpt-5-nano, gpt-5.2 and the small codex models). The edition of late 2026
grants 6,144 patches to gpt-5.2 and gpt-4.1-mini, and 2,500 to gpt-5.4-mini and gpt-5.4-nano.
"""

OPENAI_PATCHES_LARGE = Sight("openai_patches_2500", max_side_px=2048, max_patches=2500)
"""Fits within 2048 pixels a side and 2,500 patches of 32 × 32.

Source: the same guide, "Model sizing behavior", 2026: ``detail: high`` of gpt-5.4 and later.
"""

OPENAI_LOW = Sight("openai_low", max_side_px=512)
"""A 512 × 512 version. Source: the same guide, ``detail: low`` of gpt-4o, gpt-5.5 and gpt-5.6;
gpt-5.4 and gpt-5.2 grant more at ``low`` in the edition of late 2026.
"""

GEMINI = Sight("gemini", max_side_px=3072, max_short_side_px=1152)
"""Fits within 3072 × 3072; the short side is seen at 1152 pixels at most.

Source: Gemini API documents, "Image understanding" (3072: "File input requirements"): larger
pictures are cut into tiles of side ``floor(min(width, height) / 1.5)``, and each is seen at
768 × 768, so the short side holds 1.5 × 768 pixels. The last step is our reading of that formula.
"""

GEMINI_3 = Sight("gemini_3", max_side_px=3072, max_short_side_px=1152, max_pixels=1120 * 48 * 48)
"""Like GEMINI, and within 1,120 tokens of 48 × 48 pixels.

Source: Gemini API documents, "Media resolution": a picture has 1,120 tokens at most, unless asked
for otherwise. That a token is 48 × 48 pixels is taken from Gemma 4, whose image processor
(transformers, ``gemma4``: patches of 16, pooled 3 × 3) has the same budgets of tokens.
"""

QWEN2_VL = Sight("qwen2_vl", max_pixels=12_845_056, multiple_px=28, min_pixels=3_136)
"""Sides rounded to multiples of 28, area within 56² and 16,384 × 28².

Source: ``preprocessor_config.json`` of Qwen/Qwen2-VL-2B and Qwen2.5-VL (patches of 14, merged two
by two) and ``smart_resize`` of their image processor (transformers, ``qwen2_vl``), which refuses
pictures more than 200 times as long as wide. Many servers set a smaller ``max_pixels``.
"""

QWEN3_VL = Sight("qwen3_vl", max_pixels=16_777_216, multiple_px=32, min_pixels=65_536)
"""Sides rounded to multiples of 32, area within 256² and 4096².

Source: ``preprocessor_config.json`` of Qwen3-VL-2B, Qwen3-VL-8B and Qwen3.5-9B (patches of 16,
merged two by two), with the image processor of Qwen2-VL.
"""

DEFAULT = OPENAI_TILES
"""For a model that no row knows: the strictest of the published rules, safe with the others."""

_TABLE: tuple[tuple[str, Sight], ...] = (
    (r"^pixels(/|$)", AS_IS),
    (r"qwen3[-_.]?vl|qwen3\.[5-9]", QWEN3_VL),
    (r"qwen2(\.5)?[-_.]?vl", QWEN2_VL),
    (r"gemini-[3-9]", GEMINI_3),
    (r"gemini", GEMINI),
    (r"\bo4-mini|\bgpt-4\.1-(mini|nano)|\bcodex-mini", OPENAI_PATCHES),
    (r"\bgpt-5(\.\d)?-(codex-)?(mini|nano)|\bgpt-5\.[23]", OPENAI_PATCHES),
    (r"\bgpt-5\.([4-9]|\d\d)|\bgpt-([6-9]|\d\d)", OPENAI_PATCHES_LARGE),
    (r"\bgpt-|\bchatgpt-|\bo[134]\b", OPENAI_TILES),
)
_OPENAI = (OPENAI_TILES, OPENAI_PATCHES, OPENAI_PATCHES_LARGE)


def sight_of(model: str, detail: Detail = "high") -> Sight:
    """The rule of a model (``provider/model``); :data:`DEFAULT` for one that is not known.

    >>> sight_of("openai/gpt-4.1-mini").name, sight_of("vllm/Qwen/Qwen2-VL-7B-Instruct").name
    ('openai_patches_1536', 'qwen2_vl')
    """
    name = model.lower()
    sight = next((rule for pattern, rule in _TABLE if re.search(pattern, name)), DEFAULT)
    return OPENAI_LOW if detail == "low" and sight in _OPENAI else sight


def seen_size_wh(model: str, size_wh: SizeWh, detail: Detail = "high") -> SizeWh:
    """The size at which ``model`` sees a picture of ``size_wh`` pixels.

    >>> seen_size_wh("openai/gpt-4.1-mini", (1800, 2400))
    (1056, 1408)
    >>> seen_size_wh("qwen2_vl/Qwen2-VL-2B-Instruct", (640, 427))
    (644, 420)
    """
    return sight_of(model, detail).seen_wh(size_wh)


def bounded(sight: Sight, max_pixels: int | None) -> Sight:
    """The rule with a smaller area, for a server that sets its own limit; unchanged for None."""
    if max_pixels is None or (sight.max_pixels is not None and sight.max_pixels <= max_pixels):
        return sight
    return replace(sight, max_pixels=max_pixels)
