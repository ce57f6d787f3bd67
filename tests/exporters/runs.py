"""Records and their files, as an exporter sees a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from annoengine.mask import RecordFiles, keyed_rles
from annoengine.record import Record
from annoengine.source import Opened, Source


@dataclass
class Run:
    """Records and their files, as an exporter sees a run."""

    given: list[Record] = field(default_factory=list)
    where: dict[str, RecordFiles] = field(default_factory=dict)
    name: str = "tiny"

    @classmethod
    def of(cls, source: Source) -> Run:
        """All records of a source."""
        run = cls()
        source.check()
        for entry in source.entries():
            run.add(source, source.open(entry))
        return run

    def add(self, source: Source, opened: Opened, **changes: Any) -> None:
        """A record of a source, which is there, changed as it is said."""
        assert opened.record is not None, opened.detail
        files = source.files(opened.record)
        if opened.rles:
            files = RecordFiles(image=files.image, rles=keyed_rles(opened.rles))
        self.given.append(opened.record.but(**changes))
        self.where[opened.record.id] = files

    def records(self) -> Iterator[Record]:
        yield from self.given

    def files(self, record: Record) -> RecordFiles:
        return self.where[record.id]
