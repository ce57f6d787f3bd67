"""Files that are one list of entries, or lines of them, each with captions in a field of its own.

GLaMM's GCG files (``groundings``, or ``refs`` by id), LLaVA conversations, SA-Pancap's
(``gt_response``, ``model_response``), COCO captions, and plain JSON Lines. Entries are cut out of
the file one by one. Source: the loaders of mbzuai-oryx/groundingLMM (``GranDf_gcg_ds.py``),
haotian-liu/LLaVA and Visual-AI/Pancap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from annoengine.errors import InputError
from annoengine.reading.coco_json import shown
from annoengine.reading.json_slices import Slices, first_byte, parsed
from annoengine.reading.llava_file import read_llava
from annoengine.statistics.inputs.texts import (
    TEXT_FIELDS,
    captions_in,
    image_of,
    without_boxes,
    without_tokens,
)
from annoengine.statistics.sample import Notes, Sample

Entry = Mapping[str, Any]
Reader = Callable[[Entry, int, str], Sample]
"""The sample of an entry, from its place among the others and what an error calls it."""

ANSWERED_BY = ("gpt", "assistant")
SA_PANCAP_FIELDS = ("gt_response", "model_response")
LINES = (".jsonl", ".ndjson")


class ListedCaptions:
    """The entries of some files of one kind, each file read by ``samples_of``."""

    def __init__(
        self, kind: str, files: Sequence[Path], samples_of: Callable[[Path], Iterator[Sample]]
    ) -> None:
        self.kind = kind
        self._files = files
        self._samples_of = samples_of
        self.notes = Notes(list(files))

    def class_names(self) -> None:
        """These files have none."""
        return

    def samples(self) -> Iterator[Sample]:
        """One for each entry."""
        for file in self._files:
            yield from self._samples_of(file)


def samples_by(reader: Reader, file: Path, array: str | None = None) -> Iterator[Sample]:
    """The samples of a file whose entries a reader takes, one after another."""
    for position, where, entry in entries_of(file, array):
        if not isinstance(entry, dict):
            raise InputError(f"{where} is {shown(entry)}; a JSON object is needed")
        yield reader(entry, position, where)


def entries_of(file: Path, array: str | None = None) -> Iterator[tuple[int, str, Any]]:
    """The entries of a list, of an object's array, or of lines: position, place, value."""
    if array is None and (file.suffix.lower() in LINES or first_byte(file) != b"["):
        yield from _lines(file)
        return
    wanted = None if array is None else {array}
    what = "a list is needed" if array is None else f"an object with {array!r} is needed"
    slices = Slices(file, wanted, what)
    for slice in slices:
        where = f"{file}: {array or 'entry'}[{slice.position}]"
        yield slice.position, where, parsed(file, slice.raw, slice.start)
    if array is not None and array not in slices.counts:
        raise InputError(f"{file} has no {array!r}; {what}")


def _lines(file: Path) -> Iterator[tuple[int, str, Any]]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines):
                if not line.strip():
                    continue
                where = f"{file}:{number + 1}"
                try:
                    value = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
                except ValueError as error:
                    raise InputError(f"{where}: not valid JSON: {error}") from None
                yield number, where, value
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None


def gcg_sample(entry: Entry, position: int, where: str) -> Sample:
    """An entry of GranD-f or OpenPSG, or one of RefCOCOg's, whose only key is the image's id."""
    if "caption" not in entry and len(entry) == 1:
        ((image, inner),) = entry.items()
        if isinstance(inner, dict) and isinstance(inner.get("refs"), list):
            texts = captions_in(inner.get("caption"), f"{where}: its 'caption'")
            return Sample(str(image), "image", texts, len(inner["refs"]))
    groundings = entry.get("groundings")
    if not isinstance(groundings, dict):
        raise InputError(f"{where} has no object 'groundings'")
    masks = {
        orjson.dumps(rle.get("counts"))
        for grounding in groundings.values()
        if isinstance(grounding, dict) and isinstance(grounding.get("rle_masks"), list)
        for rle in grounding["rle_masks"]
        if isinstance(rle, dict)
    }
    texts = captions_in(entry.get("caption"), f"{where}: its 'caption'")
    # The loader takes quotation marks off, then the space.
    texts = tuple(text.strip('"').strip() for text in texts)
    return Sample(image_of(entry, position), "image", texts, len(masks))


def llava_samples(file: Path) -> Iterator[Sample]:
    """Conversations: each answer is a caption."""
    for entry in read_llava(file):
        texts = tuple(without_tokens(text) for who, text in entry.turns if who in ANSWERED_BY)
        yield Sample(entry.image or entry.id or f"entry {entry.position}", "image", texts)


def sa_pancap_sample(entry: Entry, position: int, where: str) -> Sample:
    """A caption of SA-Pancap; its boxes are no words."""
    field = next((name for name in SA_PANCAP_FIELDS if name in entry), SA_PANCAP_FIELDS[0])
    if field not in entry:
        raise InputError(f"{where} has neither {' nor '.join(map(repr, SA_PANCAP_FIELDS))}")
    texts = captions_in(entry[field], f"{where}: its {field!r}")
    return Sample(image_of(entry, position), "image", tuple(map(without_boxes, texts)))


def coco_caption_sample(entry: Entry, position: int, where: str) -> Sample:
    """An annotation of a COCO captions file."""
    if "caption" not in entry:
        raise InputError(f"{where} has no 'caption'")
    texts = captions_in(entry["caption"], f"{where}: its 'caption'")
    return Sample(image_of(entry, position), "image", texts)


def field_sample(field: str) -> Reader:
    """The reader of entries with captions in a field."""

    def sample(entry: Entry, position: int, where: str) -> Sample:
        if field not in entry:
            raise InputError(f"{where} has no {field!r}; it has {fields_of(entry)}")
        texts = captions_in(entry[field], f"{where}: its {field!r}")
        return Sample(image_of(entry, position), "image", tuple(map(without_boxes, texts)))

    return sample


def text_field(entry: Any, place: str) -> str:
    """The field of an entry that holds captions, where one of the usual names does.

    Raises InputError where none or more than one does.
    """
    found = [name for name in TEXT_FIELDS if isinstance(entry, dict) and name in entry]
    if len(found) == 1:
        return found[0]
    has = f"it has {fields_of(entry)}" if isinstance(entry, dict) else f"it is {shown(entry)}"
    which = f"{' and '.join(map(repr, found))} may be" if found else "no known field is"
    raise InputError(f"{place}: {which} the caption; {has}. Name the field with --text")


def fields_of(entry: Entry) -> str:
    """The fields of an entry, as an error tells them."""
    names = [repr(key) for key in list(entry)[:8]]
    return ", ".join(names) + (", …" if len(entry) > 8 else "") if names else "no fields"
