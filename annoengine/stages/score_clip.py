"""Scores how well each caption fits its region, and whether it fits another one better.

RegionGPT filters captions by the likeness of region and text that a CLIP sees (arXiv 2403.02330,
section 3.3); that a caption tells its region from the others is what Pix2Cap-COCO promises
(arXiv 2501.13893, section 3.1) and nobody measures. No score is a threshold: ``keep`` has those.

================  ============================================================================
``clip``          cosine of the caption and its own region
``clip.rank``     1 where no other region of the image is nearer to the caption, 2 where one is …
``clip.margin``   cosine with the own region minus the highest with another region
``clip.same``     the same margin among regions of its own category alone
================  ============================================================================

Scores of an image that has nothing to compare with (one region, one of its category) are left
out, and so is what a crowd would have. A caption of the whole image is compared with the whole
photograph; of its grounded phrases, each that speaks of one segment with that segment, and the
mean over a segment's phrases is stored. Regions are cut out by box with a margin, by mask on a
neutral ground, or both (the mean of the two cosines).

A caption longer than the model reads is taken by sentence: see
:mod:`annoengine.providers.sentence_transformers`. Scores have four decimals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from annoengine.record import Caption, Record, Score, Segment
from annoengine.region_crops import VERSION as CROPS_VERSION
from annoengine.region_crops import Cut, region_crops
from annoengine.stage import Ask, Parameters, Stage

_DECIMALS = 4


class ScoreClipParameters(Parameters):
    """Which model compares, and what it is shown."""

    model: str = "clip"
    """The role of the model; one that embeds both texts and pictures."""

    region: Literal["box", "mask", "both"] = "box"
    """How a region is cut out: with what is around it, alone on a neutral ground, or both ways.
    RegionGPT cuts by box; which is best depends on the model."""

    margin: float = Field(default=0.1, ge=0, le=2)
    """How much of what is around a region is shown on each side, in lengths of that side; ours."""

    others: bool = True
    """Compare with the other regions of the image too, which is an embedding for each of them."""


class ScoreClip(Stage):
    """Stores a likeness, a rank and two margins for each caption."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments", "captions"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"scores"})
    SCORES: ClassVar[frozenset[str]] = frozenset(
        {"clip", "clip.rank", "clip.margin", "clip.same", "clip.image"}
    )
    Parameters: ClassVar[type[Parameters]] = ScoreClipParameters
    parameters: ScoreClipParameters

    def roles(self) -> Sequence[str]:
        """The model that embeds."""
        return (self.parameters.model,)

    def calls(self, record: Record) -> int:
        """None: vectors are no calls."""
        return 0

    def versions(self) -> Mapping[str, Any]:
        """What is shown."""
        return {"crops": CROPS_VERSION}

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its scores, in the order of its captions."""
        texts = _texts_by_segment(record)
        whole = [caption for caption in record.captions if caption.segment is None]
        scores: list[Score] = []
        if texts:
            shown = [s for s in record.segments if not s.iscrowd]
            shown = [s for s in shown if self.parameters.others or s.id in texts]
            regions = await self._regions(record, shown, ask)
            said = await self._said(texts, ask)
            for id, vectors in said.items():
                cosines = np.mean(
                    [np.mean([region @ vectors.T for region in regions], axis=0)], axis=0
                ).mean(axis=1)
                scores += self._scores_of(id, shown, cosines)
        for caption in whole:
            scores.append(await self._of_image(caption, ask))
        return record.but(scores=(*record.scores, *scores)) if scores else record

    async def _regions(
        self, record: Record, shown: Sequence[Segment], ask: Ask
    ) -> list[NDArray[np.float32]]:
        """float32 (segments, dimensions) for each way of cutting."""
        how = self.parameters.region
        cuts: tuple[Cut, ...] = ("box", "mask") if how == "both" else (how,)
        line, ids = record.to_line(), [segment.id for segment in shown]
        found = []
        for cut in cuts:
            crops = await ask.compute(
                region_crops, ask.files, line, ids, cut, self.parameters.margin
            )
            found.append(await ask.embed(crops, self.parameters.model))
        return found

    async def _said(
        self, texts: Mapping[int, Sequence[str]], ask: Ask
    ) -> dict[int, NDArray[np.float32]]:
        """float32 (texts, dimensions) for each segment."""
        flat = [text for of_one in texts.values() for text in of_one]
        rows = await ask.embed(flat, self.parameters.model)
        found, start = {}, 0
        for id, of_one in texts.items():
            found[id] = rows[start : start + len(of_one)]
            start += len(of_one)
        return found

    def _scores_of(
        self, id: int, shown: Sequence[Segment], cosines: NDArray[np.floating]
    ) -> list[Score]:
        place = next(i for i, segment in enumerate(shown) if segment.id == id)
        own = round(float(cosines[place]), _DECIMALS)
        # Compared as they are stored: two regions that look alike to four decimals are level.
        others = [
            (round(float(value), _DECIMALS), segment)
            for i, (value, segment) in enumerate(zip(cosines, shown, strict=True))
            if i != place
        ]
        scores = [self._score("clip", own, id)]
        if others:
            scores.append(self._score("clip.rank", 1 + sum(value > own for value, _ in others), id))
            scores.append(self._score("clip.margin", own - max(value for value, _ in others), id))
        category = shown[place].category
        alike = [value for value, segment in others if segment.category == category]
        if alike:
            scores.append(self._score("clip.same", own - max(alike), id))
        return scores

    async def _of_image(self, caption: Caption, ask: Ask) -> Score:
        data = ask.files.image.read_bytes()
        photo, text = await ask.embed([data, caption.text], self.parameters.model)
        return self._score("clip.image", float(photo @ text), None)

    def _score(self, name: str, value: float, segment: int | None) -> Score:
        return Score(name=name, value=round(value, _DECIMALS), by=self.setup.name, segment=segment)


def _texts_by_segment(record: Record) -> dict[int, list[str]]:
    """What is said of each segment that is no crowd: its caption, or the phrases about it."""
    known = {segment.id for segment in record.segments if not segment.iscrowd}
    texts: dict[int, list[str]] = {}
    for caption in record.captions:
        if caption.segment in known:
            texts.setdefault(caption.segment, []).append(caption.text)
    for caption in record.captions:
        for span in caption.spans if caption.segment is None else ():
            if len(span.segments) == 1 and span.segments[0] in known:
                phrase = caption.text[span.start : span.end]
                texts.setdefault(span.segments[0], []).append(phrase)
    return texts
