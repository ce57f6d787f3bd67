"""A stage: what happens to a record. Kinds live in ``annoengine/stages/``.

``annotate`` is a function of the record and the replies alone: that makes repairs and several
turns resumable and deterministic. A stage never sees a provider, a journal or a shard.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from annoengine.prompt import Prompt
from annoengine.provider import Reply, Request
from annoengine.record import Caption, DrawnImage, Record, Score
from annoengine.requirement import Requirement

if TYPE_CHECKING:
    from annoengine.mask import RecordFiles

Result = TypeVar("Result")


class Parameters(BaseModel):
    """The settings of a plug-in in a recipe: closed, and every field has a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True)
class Setup:
    """What a stage is built with, besides its parameters.

    ``name`` is its name in the recipe; ``prompt`` loads a prompt by name from beside the recipe;
    ``models`` maps the roles of the recipe to ``provider/model``.
    """

    name: str
    seed: int
    prompt: Callable[[str], Prompt]
    models: Mapping[str, str] = field(default_factory=dict)


class Ask(Protocol):
    """The one door out of a stage: to models, to the CPU pool, to the record's files.

    ``turn`` names a call within the record; used twice, it is an error. Every picture that is
    sent must be the record's photo or one that :meth:`keep_image` returned.
    """

    files: RecordFiles

    async def __call__(self, request: Request, turn: str) -> Reply:
        """The reply: from the journal where it lies there, else from the model."""
        ...

    async def all(self, requests: Sequence[tuple[Request, str]]) -> list[Reply]:
        """Several turns at once, replies in the order given."""
        ...

    async def compute(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """A picklable function in the CPU pool: paths and references in, small results out."""
        ...

    async def embed(self, items: Sequence[str | bytes], model: str) -> np.ndarray:
        """float32 (items, dimensions), each vector computed once per shard and content."""
        ...

    def keep_image(
        self, name: str, data: bytes, width: int, height: int, encoder: str
    ) -> DrawnImage:
        """Keeps a drawn picture in the tar beside the shard; gives its reference."""
        ...

    def set_aside(self, caption: Caption, reason: str, scores: Sequence[Score] = ()) -> None:
        """Keeps a caption that leaves the record in the file of dropped captions.

        It gets there when the record goes on. Taking it out of the record, and leaving a
        :class:`annoengine.record.Gap`, is the stage's part.
        """
        ...


class Stage:
    """The base of every stage.

    ``VERSION`` goes up with any change that may alter an output. ``NEEDS`` and ``GIVES`` name
    fields of Record, checked when the recipe is loaded. ``SCORES`` are the names of the scores
    that it stores; ``UNPARSABLE`` the reasons of RecordFailed that say that no answer could be
    used, for which another model may be asked. ``calls(record)`` is the likely number of model
    calls, for the plan.
    """

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset()
    GIVES: ClassVar[frozenset[str]] = frozenset()
    SCORES: ClassVar[frozenset[str]] = frozenset()
    UNPARSABLE: ClassVar[frozenset[str]] = frozenset()
    Parameters: ClassVar[type[Parameters]] = Parameters

    def __init__(self, parameters: Any, setup: Setup) -> None:
        self.parameters = parameters
        self.setup = setup

    def prompts(self) -> Sequence[Prompt]:
        """The prompts it may use; their hashes are in its fingerprint."""
        return ()

    def roles(self) -> Sequence[str]:
        """The model roles that it asks."""
        return ()

    def versions(self) -> Mapping[str, Any]:
        """Whatever else its output depends on: grammars, drawing code, resources."""
        return {}

    def requirements(self) -> Sequence[Requirement]:
        """What it needs from the machine: extra packages, data."""
        return ()

    def likely_output(self, record: Record) -> int:
        """Tokens that the answers about a record are likely to have in all; 0: nobody knows."""
        return 0

    def calls(self, record: Record) -> int:
        """How many model calls the record is likely to take.

        0 for a stage that asks nothing, or only where something is wrong, which nobody foresees.
        """
        return 1 if self.roles() else 0

    def check_scores(self, known: frozenset[str]) -> None:
        """Raises RecipeError for a score that this stage wants and no earlier one stores."""

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with what this stage adds.

        Raises Drop(reason) to let it go, RecordFailed(reason) to set it aside.
        """
        raise NotImplementedError

    def redraw(self, record: Record, files: RecordFiles, image: DrawnImage) -> bytes:
        """Draws again a picture that this stage drew, to the byte (``images: redraw``)."""
        raise NotImplementedError(f"{type(self).__name__} draws nothing")


class BarrierStage(Stage):
    """A stage that must see the whole dataset before it decides (quantiles, diversity, splits).

    What leaves shard k came from shard k. Decisions may not depend on the order of summaries
    that are equal: order by (score, record id).
    """

    def survey(self, records: Iterable[Record]) -> Any:
        """A small JSON-like summary of one shard."""
        raise NotImplementedError

    def decide(self, summaries: Iterable[Any]) -> Any:
        """The decision, JSON-like, from all summaries in shard order, each read when it is due."""
        raise NotImplementedError

    def told(self, decision: Any) -> Sequence[str]:
        """Sentences about the decision for the person who watches."""
        return ()

    async def annotate_decided(self, record: Record, decision: Any, ask: Ask) -> Record:
        """Like :meth:`Stage.annotate`, with the decision."""
        raise NotImplementedError


class SeeingBarrier(BarrierStage):
    """A barrier that decides by what a model sees in each photograph: one vector of it.

    The vectors are computed before the survey, shard by shard, and kept where those of
    :meth:`Ask.embed` are, so that none is computed twice.
    """

    def sees_with(self) -> str:
        """The role of the model that embeds the photographs."""
        raise NotImplementedError

    def survey_seen(self, seen: Iterable[tuple[Record, np.ndarray | None]]) -> Any:
        """A summary of one shard, from each record and its float32 (dimensions,).

        None stands for a photograph that cannot be read. The summary need not be JSON-like.
        """
        raise NotImplementedError


RunStage = Callable[[Record, Ask], Awaitable[Record]]
