"""An exporter: what leaves. Pure over records. Kinds live in ``annoengine/exporters/``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from annoengine.mask import RecordFiles
from annoengine.prompt import Prompt, load_prompt
from annoengine.record import Record
from annoengine.requirement import Requirement
from annoengine.stage import Parameters


class RunView(Protocol):
    """The finished records of a run, as an exporter may see them."""

    name: str
    """The recipe's name."""

    def records(self) -> Iterator[Record]:
        """Every record that reached the end, in input order; may be called more than once."""
        ...

    def files(self, record: Record) -> RecordFiles:
        """The record's photograph and masks."""
        ...


@dataclass
class Exported:
    """What an exporter wrote, for the account: counts by name and sentences worth reading."""

    folder: Path
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Exporter:
    """The base of every exporter. It writes into an empty folder that is then moved in place.

    ``prompt`` loads a prompt by name, from beside the recipe first; without a recipe there are
    the packaged ones.
    """

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset()
    Parameters: ClassVar[type[Parameters]] = Parameters

    def __init__(self, parameters: Any, prompt: Callable[[str], Prompt] = load_prompt) -> None:
        self.parameters = parameters

    def prompts(self) -> Sequence[Prompt]:
        """The prompts whose texts it may write; the run keeps them, to export again."""
        return ()

    def requirements(self) -> Sequence[Requirement]:
        """What it needs from the machine: extra packages."""
        return ()

    def export(self, run: RunView, folder: Path) -> Exported:
        """Writes the dataset; the same records give the same bytes."""
        raise NotImplementedError
