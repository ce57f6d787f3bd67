"""A source and stages that stand in for photographs, drawing and questions in measurements."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from annoengine.fingerprint import sha256_hex
from annoengine.mask import RecordFiles
from annoengine.provider import ImagePart, Message, Request, Sampling, TextPart
from annoengine.record import Caption, Category, Drawing, Mark, Origin, Photo, Record, Segment
from annoengine.source import Entry, Opened, Source
from annoengine.stage import Ask, Parameters, Stage

NAMES = ("person", "dog", "car", "chair", "bottle", "sky-other-merged", "grass-merged", "road")


class PicturesParameters(Parameters):
    """Settings of :class:`Pictures`."""

    n: int = 500
    """Records."""
    segments: int = 8
    """Segments of each; Pix2Cap-COCO has 8.14 captions an image (arXiv 2501.13893, Table 1)."""


class Pictures(Source):
    """Records with segments and no files behind them."""

    GIVES: ClassVar[frozenset[str]] = frozenset({"segments"})
    Parameters: ClassVar[type[Parameters]] = PicturesParameters

    def entries(self) -> Iterator[Entry]:
        for number in range(self.parameters.n):
            yield {"record_id": f"bench/train/{number}"}

    def open(self, entry: Entry) -> Opened:
        id = entry["record_id"]
        segments = tuple(
            Segment(
                id=1000 + k,
                category=Category(name=NAMES[k % len(NAMES)], id=k + 1),
                isthing=True,
                box_xyxy=(10 * k, 0, 10 * k + 10, 100),
                area_px=1000,
                source="bench",
            )
            for k in range(self.parameters.segments)
        )
        photo = Photo(file=f"{id}.jpg", width=640, height=480, sha256=sha256_hex(id.encode()))
        return Opened(id, Record(id=id, photo=photo, segments=segments))

    def files(self, record: Record) -> RecordFiles:
        return RecordFiles(image=Path(record.photo.file))


class PicturedParameters(Parameters):
    """Settings of :class:`Pictured`."""

    size_bytes: int = 100_000
    """Bytes of each picture."""


class Pictured(Stage):
    """Gives each record marks and a "drawing" of so many random bytes."""

    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"drawings", "marks"})
    Parameters: ClassVar[type[Parameters]] = PicturedParameters

    async def annotate(self, record: Record, ask: Ask) -> Record:
        size = self.parameters.size_bytes
        data = b"\xff\xd8\xff\xe0" + random.Random(record.id).randbytes(size - 4)
        image = ask.keep_image("jpg", data, 640, 480, "none")
        marks = tuple(
            Mark(
                number=k,
                segment=segment.id,
                text=str(k),
                anchor_xy=(5.0, 5.0),
                label_box_xyxy=(0, 0, 10, 10),
                colour="#ff0000",
                text_px=14,
            )
            for k, segment in enumerate(record.segments, start=1)
        )
        drawing = Drawing(image=image, style="none", scale=1, seen_wh=(640, 480))
        return record.but(drawings=(drawing,), marks=marks)


class Asked(Stage):
    """Asks one question about each picture, and keeps the answer as it is.

    That is all that the inference runners of other engines do; they read nothing out of it.
    """

    NEEDS: ClassVar[frozenset[str]] = frozenset({"drawings"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"captions"})

    def roles(self) -> Sequence[str]:
        return ("annotator",)

    async def annotate(self, record: Record, ask: Ask) -> Record:
        parts = (
            TextPart(text="Describe each object of the image."),
            ImagePart(image=record.drawings[0].image),
        )
        request = Request(
            model="annotator",
            messages=(Message(role="user", parts=parts),),
            sampling=Sampling(max_tokens=1024, detail="high"),
        )
        reply = await ask(request, "picture")
        origin = Origin(stage=self.setup.name, model=reply.model, call=reply.key)
        return record.but(captions=(Caption(text=reply.text, origin=origin),))
