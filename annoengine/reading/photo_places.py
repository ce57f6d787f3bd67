"""Finds photographs by name below one or several folders, the same on every machine.

Datasets that are put together from others name a photograph alone ("objects365_v2_00908726.jpg")
where the archives it came in have sub-folders ("patch16/…"). A name fits a file if one of the two
paths ends with the other. That two files fit is an error and never a choice.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Sequence
from pathlib import Path, PurePosixPath

from annoengine.errors import InputError, RecordFailed
from annoengine.reading.input_file import is_safe_path
from annoengine.reading.photo_folder import PICTURE_SUFFIXES

Place = tuple[int, str]
"""A photograph's folder, by its position, and its path in there with forward slashes."""


class PhotoPlaces:
    """Where the photographs lie below some folders. Links to folders are followed.

    ``wanted`` are the base names to keep, to save memory; None keeps every picture.
    """

    def __init__(self, folders: Sequence[Path], wanted: Container[str] | None = None) -> None:
        self._folders = tuple(folders)
        self._by_name: dict[str, tuple[Place, ...]] = {}
        self._names_by_stem: dict[str, tuple[str, ...]] = {}
        for number, folder in enumerate(folders):
            for path, name in _files_below(folder):
                if wanted is None:
                    if PurePosixPath(name).suffix.lower() not in PICTURE_SUFFIXES:
                        continue
                    if name not in self._by_name:
                        stem = PurePosixPath(name).stem
                        self._names_by_stem[stem] = (*self._names_by_stem.get(stem, ()), name)
                elif name not in wanted:
                    continue
                self._by_name[name] = (*self._by_name.get(name, ()), (number, path))

    def find(self, name: str | None) -> Place:
        """The photograph of a file name. Raises RecordFailed where there is none, or several."""
        if not name:
            raise RecordFailed("image", "the annotation file gives no file_name for the photograph")
        if not is_safe_path(name):
            raise RecordFailed(
                "unsafe path", f"the file_name {name!r} of the photograph leads out of its folder"
            )
        path = PurePosixPath(name)
        there = self._by_name.get(path.name, ())
        exact = [place for place in there if place[1] == path.as_posix()]
        return self._only(name, exact or [p for p in there if _agree(path.parts, p[1])], there)

    def find_stem(self, stem: str) -> Place:
        """The photograph of a name without its suffix. Raises RecordFailed like :meth:`find`."""
        if not is_safe_path(stem):
            raise RecordFailed("unsafe path", f"the name {stem!r} leads out of its folder")
        names = self._names_by_stem.get(PurePosixPath(stem).name, ())
        return self._only(f"{stem}.*", [p for name in names for p in self._by_name[name]], ())

    def _only(self, name: str, fitting: Sequence[Place], there: Sequence[Place]) -> Place:
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            places = " and ".join(self._shown(place) for place in fitting[:3])
            raise RecordFailed(
                "image",
                f"the photograph {name!r} lies in {len(fitting)} places: {places}; leave one",
            )
        detail = f"there is no photograph {name!r} in {self._folder_names()} or below"
        if there:
            detail += f"; {self._shown(there[0])} has another folder"
        raise RecordFailed("image", detail)

    def _shown(self, place: Place) -> str:
        return f"{self._folders[place[0]].name}/{place[1]}"

    def _folder_names(self) -> str:
        return " or ".join(folder.name for folder in self._folders)


def _agree(parts: tuple[str, ...], path: str) -> bool:
    other = PurePosixPath(path).parts
    shorter = min(len(parts), len(other))
    return parts[-shorter:] == other[-shorter:]


def _files_below(folder: Path) -> Iterator[tuple[str, str]]:
    """Path below the folder and name of every file, in a fixed order; no hidden ones."""

    def stop(error: OSError) -> None:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}") from None

    seen: set[tuple[int, int]] = set()
    for root, folders, files in os.walk(folder, followlinks=True, onerror=stop):
        status = Path(root).stat()
        if (status.st_dev, status.st_ino) in seen:
            # A link that leads back up would go round for ever.
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = os.path.relpath(root, folder).replace(os.sep, "/")
        prefix = "" if below == "." else f"{below}/"
        for name in sorted(files):
            if not name.startswith("."):
                yield prefix + name if prefix else name, name
