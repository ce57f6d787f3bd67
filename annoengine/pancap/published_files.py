"""Reads and writes the JSON lists in which PancapScore's authors keep each step's results.

Every list has one object an image with its path and one text, under a key of its own: captions,
content, questions, questions mapped to the other caption, answers. Paths are compared by their
last three components, as the authors do, since each machine has its own folder before them.
Texts are kept as they are. A list stays in its file: where each image lies is held in memory.

Source: the loaders of the authors' repository (Visual-AI/Pancap, pancapscore/).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from annoengine.errors import InputError
from annoengine.reading.json_slices import SliceReader, Slices, parsed
from annoengine.registry import did_you_mean
from annoengine.storage import explain_write_error

_COMPONENTS = 3


@dataclass(frozen=True)
class ListKind:
    """A kind of list: what it is, the key of its text, and those of the files it was made from."""

    what: str
    key: str
    made_from: tuple[str, ...] = ()


CAPTIONS = ListKind("reference captions", "gt_response")
PREDICTIONS = ListKind("predicted captions", "model_response")
CONTENT = ListKind("extracted content", "all_content", ("caption_file",))
QUESTIONS = ListKind("questions", "questions", ("caption_file",))
MAPPED_QUESTIONS = ListKind("mapped questions", "questions", ("gt_file", "cand_file"))
ANSWERS = ListKind("answers", "answers", ("original_file",))


def short_path(image_path: str) -> str:
    """The last three components of an image's path, by which lists are compared.

    >>> short_path("/data/set/sam/sa_000000/sa_1931.jpg")
    'sam/sa_000000/sa_1931.jpg'
    """
    return "/".join(image_path.replace("\\", "/").split("/")[-_COMPONENTS:])


def read_list(path: Path, kind: ListKind) -> Iterator[tuple[str, str]]:
    """The short path and the text of each image, in the file's order.

    Raises InputError for a file that is no such list, and for an entry without path or text.
    """
    for slice in Slices(path, None, _what(kind)):
        value = parsed(path, slice.raw, slice.start)
        yield _entry(path, slice.position, value, kind)


def _what(kind: ListKind) -> str:
    return f'{kind.what} are a JSON list of {{"image_path": …, "{kind.key}": …}}'


def _entry(path: Path, position: int, value: Any, kind: ListKind) -> tuple[str, str]:
    if not isinstance(value, dict):
        raise InputError(f"{path}: [{position}] is no object. {_what(kind)}")
    for key in ("image_path", kind.key):
        if key not in value:
            hint = did_you_mean(key, list(value))
            raise InputError(f"{path}: [{position}] has no {key!r}.{hint} {_what(kind)}")
        if not isinstance(value[key], str):
            raise InputError(
                f"{path}: [{position}] has the {key} {value[key]!r}; a text is needed. "
                f"{_what(kind)}"
            )
    return short_path(value["image_path"]), value[kind.key]


class PublishedList:
    """The texts of a list by image, read from the file when they are asked for.

    A context manager. Raises InputError for a file that is no such list, and where an image is
    listed twice, since either text would be a guess.
    """

    def __init__(self, path: Path, kind: ListKind) -> None:
        self.path = path
        self.kind = kind
        self._places: dict[str, tuple[int, int, int]] = {}
        for slice in Slices(path, None, _what(kind)):
            image, _ = _entry(path, slice.position, parsed(path, slice.raw, slice.start), kind)
            if image in self._places:
                raise InputError(
                    f"{path}: [{slice.position}] is of the image {image!r}, as is "
                    f"[{self._places[image][2]}]; keep one of them"
                )
            self._places[image] = (slice.start, len(slice.raw), slice.position)
        self._reader = SliceReader(path)

    @property
    def images(self) -> list[str]:
        """The short paths, in the file's order."""
        return list(self._places)

    def get(self, image_path: str) -> str | None:
        """The text of an image, by a path of any machine; None where it is not listed."""
        place = self._places.get(short_path(image_path))
        if place is None:
            return None
        start, length, position = place
        value = parsed(self.path, self._reader.read(start, length), start)
        return _entry(self.path, position, value, self.kind)[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reader.__exit__(kind, error, trace)


class ListWriter:
    """Writes a list entry by entry; it is there when it is whole.

    A context manager, left without a trace where it breaks off. ``made_from`` names the files that
    the kind names. The bytes are those of ``json.dump(…, indent=4)``.
    """

    def __init__(self, path: Path, kind: ListKind, *made_from: str) -> None:
        if len(made_from) != len(kind.made_from):
            raise ValueError(f"{kind.what} name {len(kind.made_from)} files, not {len(made_from)}")
        self.path = path
        self.count = 0
        self._kind = kind
        self._made_from = made_from
        self._partial = path.with_name(path.name + ".partial")
        try:
            self._file = self._partial.open("w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise explain_write_error(path, error) from None

    def add(self, image_path: str, text: str) -> None:
        """One more entry."""
        value = {"image_path": image_path}
        value.update(zip(self._kind.made_from, self._made_from, strict=True))
        value[self._kind.key] = text
        lines = json.dumps(value, indent=4).replace("\n", "\n    ")
        self._file.write(("[\n    " if not self.count else ",\n    ") + lines)
        self.count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._file.write("\n]" if self.count else "[]")
        self._file.close()
        if error is None:
            self._partial.replace(self.path)
        else:
            self._partial.unlink()


def write_list(
    path: Path, kind: ListKind, entries: Iterable[tuple[str, str]], *made_from: str
) -> int:
    """Writes a list, image path and text of each; gives how many there are."""
    with ListWriter(path, kind, *made_from) as writer:
        for image_path, text in entries:
            writer.add(image_path, text)
    return writer.count


_CAPTIONS_NAME, _LIST_NAME = "_gtcaption.json", "_data_list.json"


def list_beside(captions: Path) -> Path | None:
    """The data list that lies beside a file of captions; None where there is none.

    Source: the names of the release, ``sapancap_test_gtcaption.json`` beside
    ``sapancap_test_data_list.json``.
    """
    if not captions.name.endswith(_CAPTIONS_NAME):
        return None
    path = captions.with_name(captions.name.removesuffix(_CAPTIONS_NAME) + _LIST_NAME)
    return path if path.is_file() else None


def read_paths(path: Path) -> Iterator[str]:
    """The image paths of a data list, a JSON list of texts, in the file's order.

    Raises InputError for a file that is none.
    """
    decoder = json.JSONDecoder()
    wrong = f"{path}: a data list is a JSON list of image paths"
    try:
        with path.open(encoding="utf-8") as file:
            held = file.read(_CHUNK).lstrip()
            if not held.startswith("["):
                raise InputError(f"{wrong}; it begins {held[:20]!r}")
            at, count = 1, 0
            while True:
                at = _skipped(held, at)
                try:
                    value, at = decoder.raw_decode(held, at)
                except ValueError:
                    more = file.read(_CHUNK)
                    if held[at : at + 1] == "]" and not (held[at + 1 :] + more).strip():
                        return
                    if not more:
                        raise InputError(f"{wrong}; [{count}] is broken or missing") from None
                    held, at = held[at:] + more, 0
                    continue
                if not isinstance(value, str):
                    raise InputError(f"{wrong}; [{count}] is {value!r}")
                yield value
                count += 1
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{wrong}; it cannot be read: {error}") from None


def _skipped(text: str, at: int) -> int:
    """The place of the next character that is no space and no comma."""
    while text[at : at + 1] in (" ", "\t", "\r", "\n", ","):
        at += 1
    return at


def is_path_list(path: Path) -> bool:
    """Is a file a data list, by its first path?"""
    try:
        first = next(read_paths(path), "")
    except InputError:
        return False
    return first.lower().endswith((".jpg", ".jpeg", ".png", ".webp"))


_CHUNK = 1 << 16
_PADDED_BOX = re.compile(r"<box>\[\[(\d+), (\d+), (\d+), (\d+)\]\]</box>")
_GRID = 1000


def unpad_boxes(text: str, size_wh: tuple[int, int]) -> str:
    """A predicted caption whose boxes are of the padded square, as one with boxes of the image.

    ``<box>[[x1, y1, x2, y2]]</box>`` of 0 to 1000 on a square as wide as the longer side, in whose
    middle the image lies, becomes ``[[…]]`` with shares of the image to three decimals.

    >>> unpad_boxes("a dog <box>[[0, 250, 500, 750]]</box>", (200, 100))
    'a dog [[0.000, 0.000, 0.500, 1.000]]'
    """
    side = max(size_wh)
    pad = [(side - length) // 2 for length in size_wh]

    def share(number: str, axis: int) -> float:
        return min(1.0, max(0.0, (int(number) * side / _GRID - pad[axis]) / size_wh[axis]))

    def rewritten(found: re.Match[str]) -> str:
        shares = (share(number, place % 2) for place, number in enumerate(found.groups()))
        return "[[" + ", ".join(f"{value:.3f}" for value in shares) + "]]"

    return _PADDED_BOX.sub(rewritten, text)
