"""Chooses train, validation and test images that look unlike each other, the best captions first.

It is a barrier: every shard must be there. Each photograph is seen as one vector of a named model
(``dinov2/…``: the CLS token of a DINOv2; ``pixels``: a small description of colours and edges that
needs no model and understands nothing). Val and test are chosen as one set in which no two images
have a cosine above ``apart``; training images with one above ``away`` to any of these leave.

A chosen image learns its split (``assigned_split``; its id keeps the source's) and how near the
nearest image of val and test is (score ``diverse.nearest``). The others are dropped with a reason.
Where a split cannot be filled, the run says so; it is never silently empty.

Source: arXiv 2505.16334, section 4.2; see :mod:`annoengine.diversity` for what is not published.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from annoengine.diversity import FULL, SPLITS, TOO_NEAR, Split, apportioned, choose
from annoengine.errors import Drop, RecipeError, RecordFailed
from annoengine.record import Record, Score
from annoengine.registry import did_you_mean
from annoengine.score_values import Values
from annoengine.stage import Ask, Parameters, SeeingBarrier

_DECIMALS = 4
_NEAREST = "diverse.nearest"


class SelectDiverseParameters(Parameters):
    """How many images of each split, and how unlike each other."""

    model: str = "features"
    """The role of the model that sees the photographs."""

    score: str | None = None
    """The score of the record by which the best come first; unset: images go by their ids."""

    train: int = Field(default=9000, ge=0)
    """Training images. Source of this and the next two: arXiv 2505.16334, section 4.2."""

    val: int = Field(default=500, ge=0)
    """Validation images."""

    test: int = Field(default=130, ge=0)
    """Test images."""

    fraction: float | Literal["auto"] = "auto"
    """These numbers times so much; auto: all of them, and fewer in proportion where there are
    fewer images than they add up to."""

    apart: float = Field(default=0.2, ge=-1, le=1)
    """The largest cosine between two images of val and test."""

    away: float = Field(default=0.5, ge=-1, le=1)
    """The largest cosine between a training image and one of val and test."""


class SelectDiverse(SeeingBarrier):
    """Gives images their splits; asks nobody but for vectors."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset()
    GIVES: ClassVar[frozenset[str]] = frozenset({"scores", "assigned_split"})
    SCORES: ClassVar[frozenset[str]] = frozenset({_NEAREST})
    Parameters: ClassVar[type[Parameters]] = SelectDiverseParameters
    parameters: SelectDiverseParameters

    def sees_with(self) -> str:
        """The role of the model."""
        return self.parameters.model

    def roles(self) -> Sequence[str]:
        """The same."""
        return (self.parameters.model,)

    def calls(self, record: Record) -> int:
        """None: vectors are no calls."""
        return 0

    def check_scores(self, known: frozenset[str]) -> None:
        """Raises RecipeError for a score that no earlier stage stores."""
        score = self.parameters.score
        if score is not None and score not in known:
            raise RecipeError(
                f"score: no earlier stage stores a score {score!r}.{did_you_mean(score, known)}"
            )

    def survey_seen(self, seen: Iterable[tuple[Record, NDArray[np.float32] | None]]) -> Any:
        """(ids, scores, vectors) of a shard: float64 (n,), float32 (n, dimensions)."""
        ids, scores, vectors = [], [], []
        for record, vector in seen:
            if vector is None:
                continue
            ids.append(record.id)
            own = Values.of_record(record).own
            scores.append(own.get(self.parameters.score or "", float("nan")))
            vectors.append(vector)
        return ids, np.array(scores, dtype=np.float64), vectors

    def decide(self, summaries: Iterable[Any]) -> dict[str, Any]:
        """The split, or why there is none, and the nearest evaluation image of every image."""
        ids: list[str] = []
        scores: list[NDArray[np.float64]] = []
        dimensions = 0
        # On disk and not in memory: 118,000 vectors of 768 numbers are 360 MB.
        with tempfile.TemporaryFile() as file:
            for of_shard, scores_of_shard, vectors in summaries:
                ids += of_shard
                scores.append(scores_of_shard)
                for vector in vectors:
                    file.write(np.ascontiguousarray(vector, dtype=np.float32).tobytes())
                    dimensions = len(vector)
            file.flush()
            if not ids:
                return {"images": {}, "told": ["no photograph could be seen"]}
            matrix = np.memmap(file, dtype=np.float32, mode="r", shape=(len(ids), dimensions))
            wanted = self._wanted(len(ids))
            choice = choose(
                ids,
                np.concatenate(scores),
                matrix,
                wanted,
                self.parameters.apart,
                self.parameters.away,
                self.setup.seed,
            )
            del matrix
        images = {}
        for id in ids:
            cosine, other = choice.nearest.get(id, (None, None))
            nearest = None if cosine is None else round(cosine, _DECIMALS)
            images[id] = [choice.split.get(id), choice.left.get(id), nearest, other]
        return {"images": images, "told": self._told(wanted, choice.split, choice.left)}

    def told(self, decision: Any) -> Sequence[str]:
        """How many images each split has, and which fell short."""
        return [f"{self.setup.name}: {sentence}" for sentence in decision["told"]]

    async def annotate_decided(self, record: Record, decision: Any, ask: Ask) -> Record:
        """The record with its split. Raises Drop for an image of none."""
        found = decision["images"].get(record.id)
        if found is None:
            raise RecordFailed("input", f"{record.photo.file} could not be seen by the model")
        split, left, nearest, other = found
        if left == TOO_NEAR:
            raise Drop(
                TOO_NEAR, f"its cosine to {other} is {nearest}, above {self.parameters.away}"
            )
        if left == FULL:
            raise Drop(FULL, "there are enough images without it")
        scores = record.scores
        if nearest is not None:
            scores = (*scores, Score(name=_NEAREST, value=nearest, by=self.setup.name))
        return record.but(assigned_split=split, scores=scores)

    def _wanted(self, images: int) -> dict[Split, int]:
        p = self.parameters
        counts: dict[Split, int] = {"train": p.train, "val": p.val, "test": p.test}
        if p.fraction == "auto":
            return apportioned(counts, images)
        return {name: max(1, round(n * p.fraction)) if n else 0 for name, n in counts.items()}

    def _told(
        self, wanted: Mapping[Split, int], split: Mapping[str, Split], left: Mapping[str, str]
    ) -> list[str]:
        found = Counter(split.values())
        told = [", ".join(f"{found[name]} of {wanted[name]} {name}" for name in SPLITS)]
        if found["val"] + found["test"] < wanted["val"] + wanted["test"]:
            told.append(
                f"val and test fall short: every other image has a cosine above "
                f"{self.parameters.apart} to one of them"
            )
        if found["train"] < wanted["train"]:
            near = sum(reason == TOO_NEAR for reason in left.values())
            told.append(
                f"train falls short: {near} images have a cosine above {self.parameters.away} to "
                "one of val or test, and there are no others"
            )
        return told
