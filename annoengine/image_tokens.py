"""How many input tokens a picture costs: a table of published rules, by model name.

``likely`` follows the newest edition of a provider's documents; ``most`` is the dearest of all
editions that were found, so that a budget holds whichever is in force. A rule that no document
states is marked as inferred in its source. Sizes shrink as :mod:`annoengine.model_sight` says; it
looks for the smallest size that any edition states, this table for the most tokens.

``detail`` is the OpenAI protocol's. For Gemini, ``low`` and ``high`` stand for the media
resolutions of these names, and ``auto`` for the default; models behind other servers have none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

from annoengine.model_sight import OPENAI_TILES, QWEN2_VL, QWEN3_VL, Sight, SizeWh

Detail = Literal["low", "high", "auto"]
"""The ``detail`` of a picture; None is ``auto``, the provider's default."""


@dataclass(frozen=True)
class ImageTokens:
    """Tokens of one picture: what is likely, what it is at most, and who says so."""

    likely: int
    most: int
    source: str


class Rule(Protocol):
    """A way to count: likely tokens, and the most that its wording leaves room for."""

    def count(self, size_wh: SizeWh, detail: Detail) -> tuple[int, int]: ...


def _up(value: float) -> int:
    """Rounded up, forgiving what floating point adds to a whole number."""
    return math.ceil(value - 1e-6)


def _covering(size_wh: SizeWh, scale: float, step: int) -> tuple[int, int]:
    """Squares of ``step`` pixels that cover a shrunk picture: its sides rounded down, and up."""
    width, height = size_wh
    down = [max(1, math.floor(side * scale + 1e-6)) for side in (width, height)]
    up = [max(1, _up(side * scale)) for side in (width, height)]
    return (
        math.ceil(down[0] / step) * math.ceil(down[1] / step),
        math.ceil(up[0] / step) * math.ceil(up[1] / step),
    )


@dataclass(frozen=True)
class Tiles:
    """OpenAI's tiles: within 2048 × 2048, the short side within 768, then 512 × 512 squares.

    ``low`` costs the base tokens alone. Small pictures are not enlarged: the newest edition says
    so; older ones were often read otherwise.
    """

    base: int
    tile: int

    def count(self, size_wh: SizeWh, detail: Detail) -> tuple[int, int]:
        if detail == "low":
            return self.base, self.base
        likely, most = _covering(size_wh, OPENAI_TILES.scale(size_wh), 512)
        return self.base + likely * self.tile, self.base + most * self.tile


@dataclass(frozen=True)
class Limit:
    """How far a detail lets a picture go before it is shrunk; None: no limit of patches."""

    max_side_px: int
    max_patches: int | None


_FITS_512 = Limit(512, None)
_BUDGET_1536 = Limit(2048, 1536)
_BUDGET_2500 = Limit(2048, 2500)
_BUDGET_6144 = Limit(2048, 6144)
_BUDGET_10000 = Limit(6000, 10_000)
_NO_BUDGET = Limit(65_535, None)


@dataclass(frozen=True)
class Patches:
    """OpenAI's patches: 32 × 32 squares within a limit, times a multiplier, rounded up.

    ``percent`` is the multiplier. The guide allows its own count to be one token off.
    """

    percent: int
    limits: Mapping[Detail, Limit]

    def count(self, size_wh: SizeWh, detail: Detail) -> tuple[int, int]:
        limit = self.limits[detail]
        side = Sight("longest side", max_side_px=limit.max_side_px).scale(size_wh)
        likely, most = _covering(size_wh, side, 32)
        if limit.max_patches is not None and most > limit.max_patches:
            sight = Sight("patches", limit.max_side_px, max_patches=limit.max_patches)
            likely, _ = _covering(sight.drawn_wh(size_wh), 1.0, 32)
            most = limit.max_patches
        return self._billed(likely), self._billed(most) + 1

    def _billed(self, patches: int) -> int:
        return -(-patches * self.percent // 100)


def _same(limit: Limit) -> dict[Detail, Limit]:
    return {"low": limit, "high": limit, "auto": limit}


@dataclass(frozen=True)
class Crops:
    """Gemini's tiles up to version 2.5: 258 tokens for each of 768 × 768.

    A picture within 384 × 384 is one tile. A larger one, once within 3072 × 3072, is cut into
    squares of its short side divided by 1.5, not below 256 pixels and not above 768. The most
    is the larger count of that and of the rule without bounds, and the 2,048 tokens that the
    table of media resolutions names, beside one tile for the whole picture.
    """

    tile: int = 258
    low: int = 64
    pan_and_scan: int = 2048

    def count(self, size_wh: SizeWh, detail: Detail) -> tuple[int, int]:
        if detail == "low":
            return self.low, self.tile
        if max(size_wh) <= 384:
            return self.tile, self.tile
        fitting = Sight("gemini", max_side_px=3072).drawn_wh(size_wh)
        unit = max(1, math.floor(min(fitting) / 1.5))
        likely, free = (
            math.ceil(fitting[0] / step) * math.ceil(fitting[1] / step)
            for step in (min(768, max(256, unit)), unit)
        )
        most = max(likely, free) * self.tile
        return likely * self.tile, self.tile + max(most, self.pan_and_scan)


@dataclass(frozen=True)
class Fixed:
    """One number for each detail, whatever the size."""

    tokens: Mapping[Detail, int]

    def count(self, size_wh: SizeWh, detail: Detail) -> tuple[int, int]:
        return self.tokens[detail], self.tokens[detail]


@dataclass(frozen=True)
class Grid:
    """Qwen's grid: a token for each square of the size that the model sees, and two around them."""

    sight: Sight

    def count(self, size_wh: SizeWh, detail: Detail) -> tuple[int, int]:
        step = self.sight.multiple_px
        width, height = self.sight.seen_wh(size_wh)
        likely = (width // step) * (height // step)
        _, covering = _covering(size_wh, 1.0, step)
        allowed = (self.sight.max_pixels or 0) // step**2
        return likely + 2, max(likely, min(covering, allowed)) + 2


@dataclass(frozen=True)
class Unknown:
    """A cautious guess where nothing is published.

    Likely: a token for each 28 × 28 pixels, as Qwen2-VL counts. At most: one for each 14 × 14, an
    unmerged patch of the usual vision transformer, and not below 6,404, what four tiles of
    Llama 3.2 Vision cost, to which small pictures are enlarged. Source of that: Together AI's
    documents, "Vision", 1,601 tokens a tile of 560 × 560.
    """

    least: int = 6404

    def count(self, size_wh: SizeWh, detail: Detail) -> tuple[int, int]:
        return _covering(size_wh, 1.0, 28)[0], max(self.least, _covering(size_wh, 1.0, 14)[0])


_GUIDE = "OpenAI's guide 'Images and vision'"
_TILES = f"{_GUIDE}, tile-based image tokenization"
_PATCHES = f"{_GUIDE}, patch-based image tokenization"
"""Two editions were seen in November 2026: one that lists gpt-5.6, and an older one that lists
gpt-5.5 and gpt-5-mini. They disagree on the multipliers of the small models (1.62 and 2.46, later
1.2 and 1.5) and on the budget of gpt-4.1-mini and gpt-5.2 (1,536 patches, later 6,144). For models
that are being shut down the newer one has a multiplier and no budget: the older budget is likely,
the budget of their siblings the most."""

_GEMINI_2 = "Gemini API documents, 'Image understanding' and 'Media resolution'"
"""As of 2026-02-19 and 2026-09-19. The least and largest tile are in Firebase's documents, 'Input
files and requirements', "Images: Tokenization"."""

_GEMINI_3 = "Gemini API documents, 'Media resolution', Gemini 3 models"
"""As of 2026-09-19: 1,120 by default and for high, 280 for low; called approximate, and maxima."""

_QWEN = "preprocessor_config.json of {} and its image processor in transformers"
"""The two tokens around a picture are in the chat template. Qwen2-VL's paper (arXiv 2409.12191,
section 2.1) counts 66 for a picture of 224 × 224."""

_5_4: dict[Detail, Limit] = {"low": _BUDGET_6144, "high": _BUDGET_2500, "auto": _BUDGET_2500}
_5_5: dict[Detail, Limit] = {"low": _FITS_512, "high": _BUDGET_2500, "auto": _BUDGET_10000}
_5_6: dict[Detail, Limit] = {"low": _FITS_512, "high": _BUDGET_2500, "auto": _NO_BUDGET}
_GEMINI_3_TOKENS: dict[Detail, int] = {"low": 280, "high": 1120, "auto": 1120}
_NOTHING: dict[Detail, int] = {"low": 0, "high": 0, "auto": 0}


@dataclass(frozen=True)
class _Row:
    """The models whose name the pattern is found in, and how their pictures are counted.

    ``or_else``: what another edition says, or what is feared; it counts for the most alone.
    """

    pattern: str
    rule: Rule
    source: str
    or_else: Rule | None = None


_TABLE: tuple[_Row, ...] = (
    _Row(r"^(pixels|replay)(/|$)", Fixed(_NOTHING), "no picture is sent"),
    _Row(r"qwen3[-_.]?vl|qwen3\.[5-9]", Grid(QWEN3_VL), _QWEN.format("Qwen3-VL")),
    _Row(r"qwen2(\.5)?[-_.]?vl", Grid(QWEN2_VL), _QWEN.format("Qwen2-VL")),
    _Row(r"gemini-3(?!\d)", Fixed(_GEMINI_3_TOKENS), _GEMINI_3),
    _Row(
        r"gemini-([4-9]|\d\d|(flash|pro)(-lite)?-latest)",
        Fixed(_GEMINI_3_TOKENS),
        f"inferred from {_GEMINI_3}",
    ),
    _Row(r"gemini", Crops(), _GEMINI_2),
    _Row(
        r"\bo4-mini",
        Patches(172, _same(_BUDGET_1536)),
        _PATCHES,
        Patches(172, _same(_BUDGET_6144)),
    ),
    _Row(
        r"(^|[/:])codex-mini",
        Patches(172, _same(_BUDGET_1536)),
        f"inferred from o4-mini: {_PATCHES}",
        Patches(172, _same(_BUDGET_6144)),
    ),
    _Row(r"\bgpt-4\.1-mini", Patches(162, _same(_BUDGET_6144)), _PATCHES),
    _Row(
        r"\bgpt-4\.1-nano",
        Patches(246, _same(_BUDGET_1536)),
        _PATCHES,
        Patches(246, _same(_BUDGET_6144)),
    ),
    _Row(
        r"\bgpt-5-mini",
        Patches(120, _same(_BUDGET_1536)),
        _PATCHES,
        Patches(162, _same(_BUDGET_6144)),
    ),
    _Row(
        r"\bgpt-5-nano",
        Patches(150, _same(_BUDGET_1536)),
        _PATCHES,
        Patches(246, _same(_BUDGET_6144)),
    ),
    _Row(
        r"\bgpt-5(\.1)?-codex-mini",
        Patches(120, _same(_BUDGET_1536)),
        f"inferred from gpt-5-mini: {_PATCHES}",
        Patches(162, _same(_BUDGET_6144)),
    ),
    _Row(r"\bgpt-5(\.1)?(?![.\d])", Tiles(70, 140), _TILES),
    _Row(r"\bgpt-5\.2(?!\d)", Patches(120, _same(_BUDGET_6144)), _PATCHES),
    _Row(
        r"\bgpt-5\.3(?!\d)",
        Patches(120, _same(_BUDGET_6144)),
        f"inferred from gpt-5.2: {_PATCHES}",
    ),
    _Row(
        r"\bgpt-5\.4-mini",
        Patches(120, _5_4),
        _PATCHES,
        Patches(162, _same(_BUDGET_1536)),
    ),
    _Row(
        r"\bgpt-5\.4-nano",
        Patches(120, _5_4),
        _PATCHES,
        Patches(246, _same(_BUDGET_1536)),
    ),
    _Row(r"\bgpt-5\.4(?!\d)", Patches(120, _5_4), _PATCHES),
    _Row(r"\bgpt-5\.5(?!\d)", Patches(120, _5_5), _PATCHES),
    _Row(r"\bgpt-5\.6(?!\d)", Patches(120, _5_6), _PATCHES),
    _Row(
        r"\bgpt-([5-9]|\d\d)",
        Patches(120, _5_6),
        f"inferred from gpt-5.6: {_PATCHES}",
    ),
    _Row(r"\bgpt-4o-mini", Tiles(2833, 5667), _TILES),
    _Row(r"\bgpt-4(o|\.1|\.5|-turbo|-.*vision)|\bchatgpt-4o", Tiles(85, 170), _TILES),
    _Row(r"(^|[/:])o[13](?![a-z\d])", Tiles(75, 150), _TILES),
    _Row(r"\bcomputer-use-preview", Tiles(65, 129), _TILES),
)
_UNKNOWN = _Row("", Unknown(), "no published rule is known: a cautious guess")


@lru_cache(maxsize=256)
def _row_of(model: str) -> _Row:
    name = model.lower()
    return next((row for row in _TABLE if re.search(row.pattern, name)), _UNKNOWN)


def is_known(model: str) -> bool:
    """Whether a rule of the table holds for ``model`` (``provider/model``)."""
    return _row_of(model) is not _UNKNOWN


@lru_cache(maxsize=4096)
def image_tokens(model: str, size_wh: SizeWh, detail: Detail | None = None) -> ImageTokens:
    """Input tokens of a picture of ``size_wh`` pixels, sent to ``model`` (``provider/model``).

    >>> image_tokens("openai/gpt-4o", (1024, 1024), "high").likely
    765
    >>> image_tokens("openai/gpt-4o", (640, 427), "low").most
    85
    >>> image_tokens("vllm/Qwen/Qwen2-VL-7B-Instruct", (224, 224)).likely
    66
    """
    row = _row_of(model)
    likely, most = row.rule.count(size_wh, detail or "auto")
    if row.or_else is not None:
        most = max(most, row.or_else.count(size_wh, detail or "auto")[1])
    return ImageTokens(likely, most, row.source)
