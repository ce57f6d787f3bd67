"""A source whose photographs are those of a folder, or of tars, in the order of their names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from annoengine.mask import RecordFiles
from annoengine.packed_file import place_of
from annoengine.reading.photo_folder import (
    Listing,
    PhotoFolderParameters,
    folder_and_file,
    list_photos,
    photo_entry,
    sampled,
    split_of_folder,
)
from annoengine.record import Record
from annoengine.source import Entry, Source


class PhotoSource(Source):
    """Lists the photographs of the input ``images``, and says where each one lies."""

    parameters: PhotoFolderParameters

    @property
    def images(self) -> Path:
        """The folder, the tar, or the one photograph."""
        return self.input_path("images")

    @property
    def folder(self) -> Path:
        """The folder to which the names of photographs are relative."""
        return folder_and_file(self.images)[0]

    @property
    def split(self) -> str:
        """The split of every record."""
        return self.parameters.split or split_of_folder(self.folder)

    def check(self) -> None:
        """Raises InputError for a path that is missing."""
        self.check_input("images", "path")

    def listing(self) -> Listing:
        """The photographs. Raises InputError for a folder without any."""
        return list_photos(self.images, self.parameters.recursive)

    def entries(self) -> Iterator[Entry]:
        """The photographs, by name. Raises InputError for a folder without any."""
        p, split = self.parameters, self.split
        self.check()
        listing = self.listing()
        chosen = sampled(listing.photos, p.sample, self.seed, p.dataset, split)
        self.left_out = dict(listing.left_out)
        if len(chosen) < len(listing.photos):
            self.left_out["sample"] = len(listing.photos) - len(chosen)
        for photo in chosen:
            yield photo_entry(p.dataset, split, photo.name)

    def files(self, record: Record) -> RecordFiles:
        """Where the photograph lies; its masks are beside the source's shard."""
        return RecordFiles(image=place_of(self.folder, record.photo.file))
