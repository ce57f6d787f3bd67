"""Finds the entities of an image: regions, their tags, and what detectors find by these tags.

The regions that the record comes with are the class-agnostic proposals: those of a segmenter
(``images``, with SAM), of SA-1B, of any detector's boxes, or of annotations. Each region without a
category gets a tag: from a model that is asked to name the crop, or the name of a list that is
nearest to the crop among vectors (CLIP, SigLIP). Detectors are then asked for all tags of the
image together, and what they find joins where it overlaps no region much
(:mod:`annoengine.detecting.joining`). Regions that lie within others are their parts.

Every answer passes the one door: it is journalled, and a changed threshold costs no call.

Source: arXiv 2505.16334, section 4.1. Deviations: OLN, RAM and OW-DETR have no maintained package;
SAM or given regions, CLIP or a vision-language model, and OWLv2 stand in their places. Cosines
below ``least_tag`` leave a region unnamed. All thresholds are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from annoengine.categories import is_known, shown_names, table_sha256, words_of
from annoengine.detecting.detections import Detection, question, read
from annoengine.detecting.joining import joining
from annoengine.detecting.names import name_in
from annoengine.detecting.parts import parts_of
from annoengine.errors import Drop, RecipeError, RecordFailed
from annoengine.fingerprint import sha256_hex
from annoengine.mask import RecordFiles
from annoengine.prompt import Prompt, draw
from annoengine.provider import Context, ImagePart, Message, Request, TextPart
from annoengine.record import Category, DrawnImage, Record, Score, Segment
from annoengine.region_crops import VERSION as CROPS_VERSION
from annoengine.region_crops import region_crops
from annoengine.stage import Ask, Setup, Stage
from annoengine.turns import AskingParameters, gave_up, has_answer, load_prompts

VERSION = 1


class DetectParameters(AskingParameters):
    """Who tags, who detects, and what joins."""

    regions: Literal["from_annotations", "proposals"] = "from_annotations"
    """``from_annotations``: a region's own category is its tag, and only one without is tagged.
    ``proposals``: every region is tagged anew, whatever it came with."""
    tags: Literal["model", "vectors", "none"] = "none"
    """Who tags a region: a model that names its crop, the nearest name of a list, or nobody."""
    tagger: str = "tagger"
    """The role that tags: a model that answers, or one that makes vectors."""
    prompts: tuple[str, ...] = ("detect/name1.v1", "detect/name2.v1")
    """Prompts of which each record draws one, where a model tags."""
    names: str | None = None
    """A file with the names that vectors choose from, one a line; unset: COCO's 133."""
    text: str = "a photo of a {}"
    """What the vector of a name is made of; ``{}`` stands for it."""
    least_tag: float = Field(default=0.0, ge=-1, le=1)
    """The cosine below which the nearest name is none; 0.2 suits CLIP, 0 SigLIP."""
    margin: float = Field(default=0.1, ge=0, le=2)
    """How much of what is around a region its crop shows, in lengths of its sides."""
    detectors: tuple[str, ...] = ()
    """The roles of the class-aware detectors, in the order in which their boxes may join."""
    least_score: float = Field(default=0.3, ge=0, le=1)
    """The score below which a detector's box is none."""
    merge_iou: float = Field(default=0.5, gt=0, le=1)
    """A box joins whose IoU with every region is below this."""
    parts: float | None = Field(default=0.9, gt=0.5, le=1)
    """A region is a part of another that holds this share of its mask; none: of no other."""
    max_entities: int | None = Field(default=None, ge=1)
    """An image with more entities leaves the run; none: however many. The benchmark's own images
    have fewer than ten (arXiv 2505.16334, appendix D)."""

    @field_validator("parts", "max_entities", mode="before")
    @classmethod
    def _none(cls, value: object) -> object:
        return None if value == "none" else value


class Detect(Stage):
    """Gives the regions of a record tags, and adds those that detectors find."""

    VERSION: ClassVar[int] = VERSION
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"segments", "scores"})
    SCORES: ClassVar[frozenset[str]] = frozenset(
        {"detect.entities", "detect.added", "detect.untagged"}
    )
    Parameters: ClassVar[type[AskingParameters]] = DetectParameters
    parameters: DetectParameters

    def __init__(self, parameters: DetectParameters, setup: Setup) -> None:
        """Loads its prompts and names. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        asks = parameters.tags == "model"
        self.tag_prompts = load_prompts(setup, parameters.prompts, (), None) if asks else []
        self.names = _names(parameters.names) if parameters.tags == "vectors" else []
        if "{}" not in parameters.text:
            raise RecipeError(f"{setup.name}: text needs a {{}} for the name")

    def prompts(self) -> Sequence[Prompt]:
        """Those that ask for a name."""
        return self.tag_prompts

    def roles(self) -> Sequence[str]:
        """The tagger, where there is one, and the detectors."""
        tagger = () if self.parameters.tags == "none" else (self.parameters.tagger,)
        return (*tagger, *self.parameters.detectors)

    def versions(self) -> Mapping[str, Any]:
        """The crops, the category words, and the names of the list."""
        return {
            "crops": CROPS_VERSION,
            "category_words": table_sha256(),
            "names": sha256_hex("\n".join(self.names).encode()) if self.names else None,
        }

    def calls(self, record: Record) -> int:
        """One for each region that a model names, and one for each detector."""
        named = len(self._untagged(record)) if self.parameters.tags == "model" else 0
        return named + len(self.parameters.detectors)

    def likely_output(self, record: Record) -> int:
        """A name has some tokens."""
        return 4 * self.calls(record)

    def _untagged(self, record: Record) -> list[Segment]:
        anew = self.parameters.regions == "proposals"
        return [
            s for s in record.segments if not s.iscrowd and (anew or not is_known(s.category.name))
        ]

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with all its entities.

        Raises RecordFailed("gave_up") where a model was not reached, ``detector`` for an answer
        that is none; Drop("too many entities").
        """
        record = await self._tagged(record, ask)
        record, added = await self._with_detections(record, ask)
        if self.parameters.parts is not None and record.masks is not None:
            whole = await ask.compute(parts_of, ask.files, record.to_line(), self.parameters.parts)
            record = record.but(
                segments=tuple(s.but(part_of=whole.get(s.id, s.part_of)) for s in record.segments)
            )
        entities = [s for s in record.segments if not s.iscrowd]
        most = self.parameters.max_entities
        if most is not None and len(entities) > most:
            raise Drop("too many entities", f"it has {len(entities)}, and at most {most} are kept")
        unnamed = sum(not is_known(s.category.name) for s in entities)
        counts = {"entities": len(entities), "added": added, "untagged": unnamed}
        scores = (
            Score(name=f"detect.{name}", value=n, by=self.setup.name) for name, n in counts.items()
        )
        return record.but(scores=(*record.scores, *scores))

    async def _tagged(self, record: Record, ask: Ask) -> Record:
        segments = self._untagged(record)
        if self.parameters.tags == "none" or not segments:
            return record
        bare = record
        if self.parameters.regions == "proposals":
            ids = {s.id for s in segments}
            region = Category(name="region")
            bare = record.but(
                segments=tuple(
                    s.but(category=region) if s.id in ids else s for s in record.segments
                )
            )
        ids_in_order = [s.id for s in segments]
        crops = await ask.compute(
            region_crops, ask.files, bare.to_line(), ids_in_order, "box", self.parameters.margin
        )
        if self.parameters.tags == "model":
            names = await self._named_by_model(bare, ids_in_order, crops, ask)
        else:
            names = await self._named_by_vectors(ids_in_order, crops, ask)
        tagged = []
        for segment in bare.segments:
            name = names.get(segment.id)
            tagged.append(segment.but(category=Category(name=name)) if name else segment)
        return record.but(segments=tuple(tagged))

    async def _named_by_model(
        self, record: Record, ids: Sequence[int], crops: Sequence[bytes], ask: Ask
    ) -> dict[int, str]:
        prompt = draw(self.tag_prompts, self.setup.seed, record.id, self.setup.name)
        requests = []
        for id, crop in zip(ids, crops, strict=True):
            width, height = _png_size(crop)
            image = ask.keep_image(f"crop-{id}.png", crop, width, height, "png")
            message = self.parameters.question(prompt.fill(), [image])
            context = Context(record, (id,), "", ask.files, ask.compute, wants="name")
            requests.append(
                (
                    Request(
                        self.parameters.tagger,
                        (message,),
                        self.parameters.sampling,
                        context=context,
                    ),
                    f"name {id}",
                )
            )
        replies = await ask.all(requests)
        lost = [turn for (_, turn), r in zip(requests, replies, strict=True) if gave_up(r)]
        if lost:
            detail = next(r.detail for r in replies if gave_up(r))
            raise RecordFailed("gave_up", detail, tuple(lost))
        found = {}
        for id, reply in zip(ids, replies, strict=True):
            name = name_in(reply.text) if has_answer(reply) else None
            if name:
                found[id] = name
        return found

    async def _named_by_vectors(
        self, ids: Sequence[int], crops: Sequence[bytes], ask: Ask
    ) -> dict[int, str]:
        texts = [self.parameters.text.format(name) for name in self.names]
        said = await ask.embed(texts, self.parameters.tagger)
        seen = await ask.embed(crops, self.parameters.tagger)
        cosines = np.round((seen @ said.T).astype(np.float64), 4)
        found = {}
        for id, row in zip(ids, cosines, strict=True):
            best = int(row.argmax())
            if row[best] >= self.parameters.least_tag:
                found[id] = self.names[best]
        return found

    async def _with_detections(self, record: Record, ask: Ask) -> tuple[Record, int]:
        """The record with what detectors find by its tags, and how many regions that added."""
        tags = tags_of(record)
        if not self.parameters.detectors or not tags:
            return record, 0
        parts = (TextPart(text=question(tags)), ImagePart(image=record.photo))
        message = Message(role="user", parts=parts)
        turns = [f"detect {role}" for role in self.parameters.detectors]
        replies = await ask.all(
            [
                (Request(role, (message,)), turn)
                for role, turn in zip(self.parameters.detectors, turns, strict=True)
            ]
        )
        found: list[list[Detection]] = []
        for reply, turn in zip(replies, turns, strict=True):
            if gave_up(reply):
                raise RecordFailed("gave_up", reply.detail, (turn,))
            try:
                detections = read(reply.text)
            except ValueError as error:
                raise RecordFailed("detector", f"{turn}: {error}", (turn,)) from None
            found.append([d for d in detections if d.score >= self.parameters.least_score])
        boxes = [s.box_xyxy for s in record.segments if not s.iscrowd]
        joined = joining(boxes, found, self.parameters.merge_iou)
        first = max((s.id for s in record.segments), default=0) + 1
        new = tuple(
            self._segment(first + n, one, replies[number].model)
            for n, (number, one) in enumerate(joined)
        )
        return record.but(segments=(*record.segments, *new)), len(new)

    def _segment(self, id: int, one: Detection, model: str) -> Segment:
        x1, y1, x2, y2 = one.box_xyxy
        return Segment(
            id=id,
            category=Category(name=one.name),
            isthing=True,
            box_xyxy=one.box_xyxy,
            area_px=round((x2 - x1) * (y2 - y1), 1),
            source=model,
            score=one.score,
        )

    def redraw(self, record: Record, files: RecordFiles, image: DrawnImage) -> bytes:
        """A crop again; its file's name tells the region (``….crop-7.png``)."""
        id = int(PurePath(image.file).stem.rpartition("crop-")[2])
        return region_crops(files, record.to_line(), [id], "box", self.parameters.margin)[0]


def tags_of(record: Record) -> list[str]:
    """The tags of the image's regions in words, each once, in the order of the regions."""
    return list(
        dict.fromkeys(
            words_of(s.category.name).show
            for s in record.segments
            if not s.iscrowd and is_known(s.category.name)
        )
    )


def _names(file: str | None) -> list[str]:
    """The names of a file, one a line, or COCO's. Raises RecipeError."""
    if file is None:
        return list(shown_names())
    try:
        lines = Path(file).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"names: {file} cannot be read: {error}") from None
    names = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not names:
        raise RecipeError(f"names: {file} has no name in it; write one a line")
    return names


def _png_size(data: bytes) -> tuple[int, int]:
    """Width and height in the head of a PNG."""
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
