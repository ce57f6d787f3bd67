"""The default provider: says of each mark what pixels and masks tell, and nothing else.

It needs no model, no key and no network. It is a baseline, and a way to try every recipe from end
to end before the first cent is spent; it does not understand pictures. Each statement it makes is
true by a written definition (``annoengine.baseline.region_claims``): colours, shapes, sizes,
places, counts and how segments lie to each other in the picture plane. It never speaks of depth,
material, action or intention, so what it writes is drier than what a vision-language model writes,
and never wrong in the way that one is.

Asked for a paragraph it joins the captions that the record already has, whoever wrote them, and
looks at no pixel. Asked for a caption of the whole image it describes the segments, joins that the
same way, and writes each one's box behind its name; what people wrote stays as it is. Asked which
mark a text means, it names those of which it would itself say what is most like the text
(``annoengine.baseline.listening``). Asked for boxes, tags or what is missing it reads them off the
segments (``annoengine.pancap.chain_baseline``).

For stages that want vectors it makes a small one of a photograph
(:mod:`annoengine.baseline.photo_vector`).

The same record gives the same text for a mark, whichever other marks are asked for with it, and
the same interactions, however its marks are shared among drawings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from annoengine import registry
from annoengine.answer import Answer, Interaction, Region
from annoengine.baseline.listening import marks_meant
from annoengine.categories import table_sha256
from annoengine.compute import default_workers
from annoengine.errors import RecipeError, SettingError
from annoengine.fingerprint import fingerprint
from annoengine.grounded.paragraph import Paragraph, paragraph_of
from annoengine.grounded.region_captions import CaptionedRegion, captioned_regions
from annoengine.grounded.scene_paragraph import counts_of, scene_paragraph
from annoengine.mask import RecordFiles
from annoengine.pancap.chain_baseline import CHAIN_WANTS, chain_answer
from annoengine.pancap.scene_caption import SaidSegments, by_people, integrated_caption
from annoengine.provider import Context, Reply, Request, Retry, Usage
from annoengine.record import Record
from annoengine.reviewing.drafts import whole_caption

VERSION = 1
"""Goes up with every change of what is said of some picture."""

Described = tuple[tuple[tuple[int, str, str], ...], tuple[tuple[tuple[int, ...], str], ...]]
"""(mark, summary, description) of each mark asked, and (marks, text) of each interaction."""


def describe_regions(
    files: RecordFiles, record_json: bytes, marks: tuple[int, ...], across: bool = False
) -> Described:
    """What is to be said of the asked marks; runs in the CPU pool.

    With ``across`` only the interactions between marks of different drawings. ``record_json`` is
    :meth:`annoengine.record.Record.to_line`. Raises InputError for files that cannot be read or
    that contradict the record.
    """
    # OpenCV and the photograph's decoder are loaded where the work is done, and only there.
    from annoengine.baseline.region_english import describe
    from annoengine.baseline.region_facts import measure_record

    record = Record.from_line(record_json)
    numbers = {mark.number: mark.segment for mark in record.marks}
    regions, interactions = describe(measure_record(files, record), record.id, numbers)
    wanted = set(marks)
    said = tuple((i.marks, i.text) for i in interactions if wanted.issuperset(i.marks))
    if across:
        drawings = {mark.number: mark.drawing for mark in record.marks}
        return (), tuple((m, text) for m, text in said if len({drawings[n] for n in m}) > 1)
    return tuple((r.mark, r.summary, r.description) for r in regions if r.mark in wanted), said


def tag_of_region(files: RecordFiles, record_json: bytes, id: int) -> str:
    """The name of a segment; runs in the CPU pool. See :mod:`annoengine.baseline.region_tag`."""
    from annoengine.baseline.region_tag import tag_of_region as tag

    return tag(files, record_json, id)


def describe_segments(
    files: RecordFiles, record_json: bytes, segments: tuple[int, ...]
) -> SaidSegments:
    """What is to be said of segments, marked or not, by their ids; runs in the CPU pool.

    ``record_json`` is :meth:`annoengine.record.Record.to_line`. Raises InputError for files that
    cannot be read or that contradict the record.
    """
    from annoengine.baseline.region_english import describe
    from annoengine.baseline.region_facts import measure_record

    record = Record.from_line(record_json)
    regions, _ = describe(measure_record(files, record), record.id, {id: id for id in segments})
    return tuple((r.mark, r.summary, r.description) for r in regions)


class Pixels:
    """The provider ``pixels``. It has one model, and no options."""

    VERSION: ClassVar[int] = VERSION
    BATCH: ClassVar[bool] = False
    FREE: ClassVar[bool] = True

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        if model not in ("", "pixels"):
            raise RecipeError(f"the provider pixels has no model {model!r}: write just 'pixels'")
        if options:
            raise RecipeError(
                f"the provider pixels has no option {min(options)!r}: it takes none, remove it"
            )
        self.name = "pixels"
        self.model = f"pixels/{VERSION}"

    @property
    def window(self) -> int:
        """Two requests a core: one being computed, one waiting."""
        return 2 * default_workers()

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def reply(self, request: Request) -> Reply:
        """The answer in the request's grammar.

        Raises InputError for unreadable files, ValueError for a request without a context or for
        a mark that the record does not have.
        """
        context = _context(request)
        if context.wants == "name":
            name = await context.compute(
                tag_of_region, context.files, context.record.to_line(), context.marks[0]
            )
            return Reply(text=name, outcome="answer", model=self.model, usage=Usage())
        if context.wants in CHAIN_WANTS:
            said = chain_answer(context.record, context.wants, context.marks, context.about)
            return Reply(text=said, outcome="answer", model=self.model, usage=Usage())
        if context.wants == "paragraph":
            answer: Answer = _paragraph(context)
        elif context.wants == "choice":
            answer = await self._choose(context)
        elif context.wants == "scene":
            answer = await self._describe_scene(context)
        else:
            answer = await self._describe(context)
        text: str = registry.find("answer", context.grammar)().write(answer)
        return Reply(text=text, outcome="answer", model=self.model, usage=Usage())

    async def _choose(self, context: Context) -> Answer:
        _check_marks(context)
        # Without what was said so far: what pixels say themselves is then worked out once.
        silent = context.record.but(captions=(), relations=(), gaps=(), verdicts=(), scores=())
        named = await context.compute(
            marks_meant, context.files, silent.to_line(), context.marks, context.about
        )
        return Answer(regions=tuple(Region(number, "", "") for number in named))

    async def _describe(self, context: Context) -> Answer:
        _check_marks(context)
        regions, interactions = await context.compute(
            describe_regions,
            context.files,
            context.record.to_line(),
            context.marks,
            context.wants == "interactions",
        )
        return Answer(
            regions=tuple(Region(*region) for region in regions),
            interactions=tuple(Interaction(*interaction) for interaction in interactions),
        )

    @property
    def space(self) -> str:
        """The vectors it makes, by their version."""
        from annoengine.baseline import photo_vector

        return f"pixels@{photo_vector.VERSION}"

    async def embed(self, items: Sequence[str | bytes]) -> NDArray[np.float32]:
        """float32 (items, 320): where light, colours and edges lie in each picture.

        Raises InputError for bytes that are no picture, SettingError for a text.
        """
        from annoengine.baseline.photo_vector import photo_vector

        rows = []
        for item in items:
            if isinstance(item, str):
                raise SettingError(
                    "pixels makes vectors of pictures and not of texts; for both a CLIP is "
                    "needed, for example sentence_transformers/clip-ViT-B-32"
                )
            rows.append(await asyncio.to_thread(photo_vector, item))
        return np.stack(rows)

    async def _describe_scene(self, context: Context) -> Answer:
        known = {segment.id for segment in context.record.segments}
        missing = [id for id in context.marks if id not in known]
        if missing:
            raise ValueError(f"the record {context.record.id} has no segment {missing[0]}")
        said = await context.compute(
            describe_segments, context.files, context.record.to_line(), context.marks
        )
        return integrated_caption(context.record, said, counts_of(context.record))

    def classify(self, error: Exception) -> Retry:
        """A computation that failed will fail again."""
        return Retry("never", f"pixels: {error}")

    def key_extra(self, request: Request) -> Mapping[str, str]:
        """Its version, the words it uses, and a hash of all that it looks at in the record."""
        context = _context(request)
        record = context.record
        # A question about one drawing has the key that it had before there were several.
        shared: dict[str, str] = {}
        if context.wants == "interactions":
            drawings = sorted((mark.number, mark.drawing) for mark in record.marks)
            shared = {"wants": context.wants, "drawings": fingerprint({"of": drawings})}
        elif context.wants == "name":
            shared = {"wants": context.wants}
        elif context.wants == "paragraph":
            return _paragraph_key(context)
        elif context.wants in ("choice", *CHAIN_WANTS):
            shared = {"wants": context.wants, "about": context.about}
        elif context.wants == "scene":
            shared = {"wants": context.wants, **_written_key(record)}
        return {
            **shared,
            "pixels": str(VERSION),
            "words": table_sha256(),
            "grammar": context.grammar,
            "looks_at": fingerprint(
                {
                    # Wordings are drawn by the record's id.
                    "record": record.id,
                    "photo": record.photo.sha256,
                    "masks": record.masks.sha256 if record.masks else None,
                    "segments": [
                        [s.id, s.mask, s.category.name, s.isthing, s.iscrowd, s.box_xyxy]
                        for s in record.segments
                    ],
                    "marks": sorted((mark.number, mark.segment) for mark in record.marks),
                    "asked": context.marks,
                }
            ),
        }


def _check_marks(context: Context) -> None:
    known = {mark.number for mark in context.record.marks}
    missing = [number for number in context.marks if number not in known]
    if missing:
        raise ValueError(f"the record {context.record.id} has no mark {missing[0]}")


def _context(request: Request) -> Context:
    if request.context is None:
        raise ValueError(
            "pixels computes from the record's files: the stage must set Request.context"
        )
    return request.context


def _paragraph(context: Context) -> Paragraph:
    return paragraph_of(scene_paragraph(_captions(context), counts_of(context.record)))


def _paragraph_key(context: Context) -> Mapping[str, str]:
    regions = _captions(context)
    said = [
        (r.number, r.segment.category.name, r.segment.isthing, r.segment.area_px, r.summary, r.text)
        for r in regions
    ]
    return {
        "wants": context.wants,
        "pixels": str(VERSION),
        "words": table_sha256(),
        "grammar": context.grammar,
        "looks_at": fingerprint({"captions": said, "counts": counts_of(context.record)}),
    }


def _written_key(record: Record) -> dict[str, str]:
    """A hash of what people wrote of the image and its segments, where they did."""
    whole = whole_caption(record)
    text = whole.model_dump(include={"text", "spans"}) if whole and whole.origin.who else None
    notes = sorted(by_people(record).items())
    return {"written": fingerprint([text, notes])} if text or notes else {}


def _captions(context: Context) -> list[CaptionedRegion]:
    """The captions that a paragraph is made of. Raises ValueError for a number of none."""
    regions = {region.number: region for region in captioned_regions(context.record)}
    missing = [number for number in context.marks if number not in regions]
    if missing:
        raise ValueError(
            f"the record {context.record.id} has no region caption with the number {missing[0]}"
        )
    return [regions[number] for number in context.marks]
