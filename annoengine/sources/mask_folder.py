"""Begins records at photographs and a folder of mask PNGs, one PNG for each segment.

Masks may overlap, so they are kept as RLEs. What a segment is, its file's name says: ``dog_1.png``
is a dog, ``7.png`` a region of which nothing is known. All of a photograph's masks have to be
good: with one that is torn or of another size the record fails, because a segment that is missing
would be missed by nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from annoengine.mask import RecordFiles
from annoengine.reading.coco_photo import read_photo_of
from annoengine.reading.input_file import read_below
from annoengine.reading.mask_files import (
    MaskFiles,
    assign,
    category_of,
    check_size,
    list_pngs,
    none_for,
    read_mask,
)
from annoengine.reading.photo_folder import (
    ListedFile,
    Listing,
    PhotoFolderParameters,
    folder_and_file,
    list_photos,
    names_hash,
    photo_entry,
    sampled,
    shown,
    split_of_folder,
    stem_of,
)
from annoengine.reading.rle_segments import Drawn, segments_of
from annoengine.record import Category, Record
from annoengine.source import Entry, Opened, Source
from annoengine.stage import Parameters


class MaskFolderParameters(PhotoFolderParameters):
    """Which photographs of the folder, and under which name."""

    recursive: bool = False
    """Look into the folders in the folder too; their masks lie in folders of the same names."""


class MaskFolder(Source):
    """Photographs in the order of their names, with the segments that mask PNGs draw.

    For ``dog.jpg`` the masks are ``dog/*.png`` or ``dog_*.png`` in the masks folder, or all of
    its PNGs where ``images`` holds (or is) one photograph. After :meth:`entries` has run through,
    ``left_out`` also counts the masks that are of no photograph.
    """

    VERSION: ClassVar[int] = 1
    GIVES: ClassVar[frozenset[str]] = frozenset({"masks", "segments"})
    INPUTS: ClassVar[Mapping[str, str]] = {
        "images": "the folder with the photographs",
        "masks": "the folder with the mask PNGs: IMAGE/*.png or IMAGE_*.png",
    }
    Parameters: ClassVar[type[Parameters]] = MaskFolderParameters
    parameters: MaskFolderParameters

    @property
    def _images(self) -> Path:
        return self.input_path("images")

    @property
    def _masks(self) -> Path:
        return self.input_path("masks")

    @property
    def split(self) -> str:
        """The split of every record."""
        return self.parameters.split or split_of_folder(folder_and_file(self._images)[0])

    def check(self) -> None:
        """Raises InputError for a path that is missing or of the wrong kind."""
        self.check_input("images", "path")
        self.check_input("masks", "folder")

    def fingerprint(self) -> Mapping[str, Any]:
        """Names and sizes of photographs and masks, and the split."""
        self.check()
        return {
            "photographs": self._listing().fingerprint(),
            "masks": names_hash(list_pngs(self._masks)),
            "split": self.split,
        }

    def _listing(self) -> Listing:
        return list_photos(self._images, self.parameters.recursive)

    def entries(self) -> Iterator[Entry]:
        """The photographs, by name, each with the names of its masks. Raises InputError."""
        p, split = self.parameters, self.split
        self.check()
        listing = self._listing()
        photos, files = self._assigned(listing.photos)
        chosen = sampled(photos, p.sample, self.seed, p.dataset, split)
        self.left_out = dict(listing.left_out)
        for reason, n in (
            ("sample", len(photos) - len(chosen)),
            ("mask itself", len(listing.photos) - len(photos)),
            ("mask without a photograph", len(files.strays)),
        ):
            if n:
                self.left_out[reason] = n
        sharing = Counter(stem_of(photo.name) for photo in photos)
        for photo in chosen:
            entry = photo_entry(p.dataset, split, photo.name)
            stem = stem_of(photo.name)
            masks = files.by_stem.get(stem, [])
            entry["masks"] = [[shown(m), files.prefixes[m]] for m in masks]
            if "trouble" not in entry:
                trouble = _trouble(photo.name, masks, files, sharing[stem])
                if trouble:
                    entry["trouble"] = ["mask", trouble, True]
            yield entry

    def _assigned(self, photos: tuple[ListedFile, ...]) -> tuple[tuple[ListedFile, ...], MaskFiles]:
        """The photographs that are none of the masks, and whose the masks are."""
        folder, _ = folder_and_file(self._images)
        names = [photo.name for photo in photos]
        masks = [mask.name for mask in list_pngs(self._masks)]
        if not folder.samefile(self._masks):
            return photos, assign(masks, names, direct=len(names) == 1)
        # Photographs and masks lie side by side: dog.png and dog_1.png.
        pictures = set(names)
        files = assign(masks, names, direct=False)
        if len(names) == 1 and not files.by_stem:
            files = assign([m for m in masks if m not in pictures], names, direct=True)
        files.strays = [mask for mask in files.strays if mask not in pictures]
        return tuple(p for p in photos if p.name not in files.prefixes), files

    def _opened(self, entry: Entry) -> Opened:
        """The record of a photograph, its masks read and measured.

        Reasons of a failure: ``image``, ``mask`` (none, torn, empty, no PNG), ``size``,
        ``file name``, ``unsafe path`` (a link out of the folder).
        """
        folder = folder_and_file(self._images)[0]
        photo, _ = read_photo_of(entry["image"], folder, self.parameters.links)
        size_wh = (photo.width, photo.height)
        made = segments_of(
            self._drawn(mask, prefix, photo.file, size_wh) for mask, prefix in entry["masks"]
        )
        return made.opened(entry["record_id"], photo)

    def _drawn(self, mask_name: str, prefix: str, photo: str, photo_wh: tuple[int, int]) -> Drawn:
        data = read_below(self._masks, mask_name, "mask", "mask", self.parameters.links)
        mask = read_mask(data, mask_name)
        check_size(mask_name, mask.shape, photo, photo_wh)
        category = Category(name=category_of(mask_name, prefix))
        return Drawn(mask, category, self.parameters.dataset)

    def files(self, record: Record) -> RecordFiles:
        """Where the photograph lies; its masks are beside the source's shard."""
        return RecordFiles(image=folder_and_file(self._images)[0] / record.photo.file)


def _trouble(photo: str, masks: list[str], files: MaskFiles, sharing: int) -> str:
    """Why a photograph's masks cannot be told, or ""."""
    stem = stem_of(photo)
    if not masks:
        return f"no masks for {photo!r}: {none_for(photo, files.strays)}"
    if sharing > 1:
        return (
            f"{sharing} photographs are called {stem!r}, {photo!r} among them, so its masks could "
            "be of any; rename the others and their masks"
        )
    folders = {mask.startswith(f"{stem}/") for mask in masks}
    if len(folders) > 1:
        return f"{photo!r} has masks both in {stem + '/'!r} and as {stem + '_*.png'!r}; keep one"
    return ""
