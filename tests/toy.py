"""Small plug-ins by dotted name (``tests.toy:Numbers``) with which the engine itself is tested.

They are real sources, stages and providers in every respect but what they are about.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson

from annoengine.answer import Answer
from annoengine.errors import Drop, RecordFailed
from annoengine.fingerprint import sha256_hex
from annoengine.mask import RecordFiles, Rle, rle_from_mask
from annoengine.provider import (
    Message,
    Reply,
    Request,
    Retry,
    Sampling,
    TextPart,
    Usage,
)
from annoengine.record import (
    Caption,
    Category,
    DrawnImage,
    Gap,
    MaskStore,
    Origin,
    Photo,
    Record,
    Score,
    Segment,
)
from annoengine.source import Entry, Opened, Source
from annoengine.stage import Ask, BarrierStage, Parameters, Stage


class NumbersParameters(Parameters):
    """Settings of :class:`Numbers`."""

    n: int = 10
    """How many records."""
    first: int = 0
    """The number of the first one."""
    front: tuple[int, ...] = ()
    """Numbers put in front."""
    bad: tuple[int, ...] = ()
    """Numbers whose record fails to open, unless a file ``mended`` lies in the input folder."""
    masks: bool = False
    """Give each record a segment with an RLE mask."""


class Numbers(Source):
    """Records with a number each."""

    GIVES: ClassVar[frozenset[str]] = frozenset({"segments"})
    INPUTS: ClassVar[Mapping[str, str]] = {"folder": "any folder"}
    Parameters: ClassVar[type[Parameters]] = NumbersParameters

    def entries(self) -> Iterator[Entry]:
        p = self.parameters
        for number in (*p.front, *range(p.first, p.first + p.n)):
            yield {"record_id": f"toy/val/{number}", "number": number}

    def open(self, entry: Entry) -> Opened:
        id, number = entry["record_id"], entry["number"]
        mended = "folder" in self.inputs and (self.inputs["folder"] / "mended").exists()
        if number in self.parameters.bad and not mended:
            return Opened(id, reason="image", detail=f"{number} is bad", failed=True)
        photo = Photo(file=f"{number}.jpg", width=8, height=4, sha256=sha256_hex(b"%d" % number))
        if not self.parameters.masks:
            return Opened(id, Record(id=id, photo=photo))
        mask = np.zeros((4, 8), dtype=bool)
        mask[0, number % 8] = True
        rles: tuple[Rle, ...] = (rle_from_mask(mask),)
        line = orjson.dumps({"id": id, "rles": list(rles)})
        segment = Segment(
            id=1,
            category=Category(name="dot"),
            isthing=True,
            box_xyxy=(number % 8, 0, number % 8 + 1, 1),
            area_px=1,
            mask=0,
        )
        store = MaskStore(kind="rle", sha256=sha256_hex(line))
        return Opened(id, Record(id=id, photo=photo, masks=store, segments=(segment,)), rles)

    def files(self, record: Record) -> RecordFiles:
        return RecordFiles(image=Path(record.photo.file))


def number_of(record: Record) -> int:
    """The number of a record of :class:`Numbers`."""
    return int(record.image_id)


def message(text: str) -> Message:
    """A user's message."""
    return Message(role="user", parts=(TextPart(text=text),))


class AsksParameters(Parameters):
    """Settings of :class:`Asks`."""

    question: str = "What is {n}?"
    """Asked of every record."""
    odd_question: str | None = None
    """Asked of odd records instead."""
    again: int = 0
    """Records whose number is a multiple of this get a second turn."""
    reading: int = 1
    """Stands for the parser: changes how the reply is read, not what is asked."""
    reject: str = ""
    """A reply that contains this makes the record fail."""
    max_tokens: int | None = None
    """The limit of the first answer."""
    long: int | None = None
    """Stores as a score how long an answer is, of so many characters at most."""


class Asks(Stage):
    """Asks a model one or two things and keeps the reply as a caption."""

    GIVES: ClassVar[frozenset[str]] = frozenset({"captions"})
    SCORES: ClassVar[frozenset[str]] = frozenset({"answer.length"})
    UNPARSABLE: ClassVar[frozenset[str]] = frozenset({"rejected"})
    Parameters: ClassVar[type[Parameters]] = AsksParameters

    def roles(self) -> Sequence[str]:
        return ("model",)

    def calls(self, record: Record) -> int:
        return 1

    async def annotate(self, record: Record, ask: Ask) -> Record:
        p, n = self.parameters, number_of(record)
        question = p.odd_question if n % 2 and p.odd_question else p.question
        request = Request(
            "model", (message(question.format(n=n)),), Sampling(seed=1, max_tokens=p.max_tokens)
        )
        reply = await ask(request, "first")
        text = reply.text
        if reply.outcome != "answer":
            raise RecordFailed(reply.outcome, reply.detail, ("first",))
        if p.reject and p.reject in text:
            raise RecordFailed("rejected", text, ("first",))
        if p.again and n % p.again == 0:
            second = Request("model", (message(f"{text}. And twice {n}?"),))
            third = Request("model", (message(f"{text}. And thrice {n}?"),))
            replies = await ask.all([(second, "second"), (third, "third")])
            text = " ".join([text, *(r.text for r in replies)])
        if p.reading > 1:
            text = text.upper()
        origin = Origin(stage=self.setup.name, model=reply.model, call=reply.key, turn=reply.turn)
        captions = (Caption(text=text, origin=origin),)
        if p.long is None:
            return record.but(captions=captions)
        score = Score(name="answer.length", value=float(len(text)), by=self.setup.name)
        return record.but(captions=captions, scores=(*record.scores, score))


class DrawsParameters(Parameters):
    """Settings of :class:`Draws`."""

    drop: tuple[int, ...] = ()
    """Numbers that leave the run."""
    fail: tuple[int, ...] = ()
    """Numbers that fail."""
    crash: tuple[int, ...] = ()
    """Numbers that kill the pool's process."""
    bug: tuple[int, ...] = ()
    """Numbers that hit a bug of the stage."""


def draw_number(number: int, crash: bool) -> bytes:
    """The "picture" of a number; runs in the pool."""
    if crash:
        os.kill(os.getpid(), signal.SIGKILL)
    return b"picture of %d" % number


class Draws(Stage):
    """Draws something in the pool, keeps it, and scores it."""

    GIVES: ClassVar[frozenset[str]] = frozenset({"drawings"})
    Parameters: ClassVar[type[Parameters]] = DrawsParameters

    async def annotate(self, record: Record, ask: Ask) -> Record:
        p, n = self.parameters, number_of(record)
        if n in p.drop:
            raise Drop("unwanted", f"{n}")
        if n in p.fail:
            raise RecordFailed("undrawable", f"{n}")
        if n in p.bug:
            raise ZeroDivisionError("a bug")
        data = await ask.compute(draw_number, n, n in p.crash)
        image = ask.keep_image("txt", data, 1, 1, "text")
        return record.but(
            scores=(*record.scores, Score(name="bytes", value=len(data), by=image.sha256))
        )

    def redraw(self, record: Record, files: RecordFiles, image: DrawnImage) -> bytes:
        return draw_number(number_of(record), False)


class SetsAside(Asks):
    """Asks, and takes the record's first caption out of it again."""

    async def annotate(self, record: Record, ask: Ask) -> Record:
        record = await super().annotate(record, ask)
        first, *rest = record.captions
        score = Score(name="toy.length", value=len(first.text), by=self.setup.name)
        ask.set_aside(first, "first == 1", [score])
        gap = Gap(segment=1, reason="first == 1", stage=self.setup.name)
        return record.but(captions=tuple(rest), gaps=(*record.gaps, gap))


class Median(BarrierStage):
    """Keeps the upper half of the numbers: a barrier."""

    def survey(self, records: Iterable[Record]) -> Any:
        return [number_of(record) for record in records]

    def decide(self, summaries: Iterable[Any]) -> Any:
        numbers = sorted(n for summary in summaries for n in summary)
        return {"at_least": numbers[len(numbers) // 2]}

    async def annotate_decided(self, record: Record, decision: Any, ask: Ask) -> Record:
        if number_of(record) < decision["at_least"]:
            raise Drop("lower half")
        return record


class Embeds(Stage):
    """Stores the norm of a record's vector."""

    def roles(self) -> Sequence[str]:
        return ("model",)

    async def annotate(self, record: Record, ask: Ask) -> Record:
        vectors = await ask.embed([record.id, "the same for all"], "model")
        value = round(float(np.linalg.norm(vectors[0])), 4)
        return record.but(scores=(*record.scores, Score(name="norm", value=value, by="toy")))


class Echo:
    """A provider without a wire. It counts what it is asked, in ``Echo.calls`` by text."""

    VERSION: ClassVar[int] = 1
    BATCH: ClassVar[bool] = False
    calls: ClassVar[dict[str, int]] = {}
    script: ClassVar[dict[str, list[Exception | Reply]]] = {}
    """What to do first for a text, or for ``model: text``, before answering it."""
    asked: ClassVar[list[tuple[str, str, Sampling]]] = []
    """Model, text and sampling of every call."""
    embedded: ClassVar[list[str | bytes]] = []
    delay_s: ClassVar[float] = 0.0

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        self.name = f"tests.toy:Echo/{model}"
        self.window = int(options.get("window", 4))

    @classmethod
    def forget(cls) -> None:
        """Begins counting anew."""
        cls.calls.clear()
        cls.script.clear()
        cls.asked.clear()
        cls.embedded.clear()
        cls.delay_s = 0.0

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def reply(self, request: Request) -> Reply:
        part = request.messages[-1].parts[0]
        assert isinstance(part, TextPart)
        text = part.text
        type(self).calls[text] = type(self).calls.get(text, 0) + 1
        await asyncio.sleep(type(self).delay_s)
        model = self.name.partition("/")[2]
        type(self).asked.append((model, text, request.sampling))
        script = type(self).script.get(f"{model}: {text}") or type(self).script.get(text)
        if script:
            first = script.pop(0)
            if isinstance(first, Exception):
                raise first
            return first
        return Reply(f"echo: {text}", "answer", f"echo-{model}", usage=Usage(len(text), 5))

    def classify(self, error: Exception) -> Retry:
        kind, _, reason = str(error).partition(":")
        paid: Any = "perhaps" if "perhaps" in reason else "no"
        action: Any = kind if kind in ("again", "slow_down", "never", "fatal") else "again"
        after = 0.01 if kind == "slow_down" else None
        return Retry(action, reason or "trouble", paid, after)

    def key_extra(self, request: Request) -> Mapping[str, str]:
        return {}

    async def embed(self, items: Sequence[str | bytes]) -> np.ndarray:
        type(self).embedded.extend(items)
        return np.array([[len(item), 1.0] for item in items], dtype=np.float32)


class Batch(Echo):
    """The same in waves; ``lost`` names texts that a wave loses once."""

    BATCH: ClassVar[bool] = True
    waves: ClassVar[dict[str, dict[str, Request]]] = {}
    lost: ClassVar[set[str]] = set()
    die_after_submit: ClassVar[bool] = False

    async def submit(self, requests: Mapping[str, Request]) -> str:
        wave = f"wave-{len(type(self).waves)}"
        type(self).waves[wave] = dict(requests)
        if type(self).die_after_submit:
            type(self).die_after_submit = False
            raise ConnectionError("cut after the wave was accepted")
        return wave

    async def collect(self, wave: str) -> Mapping[str, Reply]:
        replies = {}
        for name, request in type(self).waves[wave].items():
            part = request.messages[-1].parts[0]
            assert isinstance(part, TextPart)
            if part.text in type(self).lost:
                type(self).lost.discard(part.text)
                continue
            replies[name] = await self.reply(request)
        return replies


EMPTY = Answer()
