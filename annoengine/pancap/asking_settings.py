"""The settings with which stages have captions read and judged, and what they come to.

Three stages share them: one that reads, one that judges what was read, and one that does both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from pydantic import Field

from annoengine.language.parser import DEFAULT_MODEL, language_requirements
from annoengine.language.wordnet import OFF, wordnet_requirements
from annoengine.pancap.asked_answers import MOST_ITEMS, Judging
from annoengine.pancap.asked_content import EMBEDDED, Extraction
from annoengine.prompt import Prompt
from annoengine.provider import Sampling
from annoengine.requirement import Requirement
from annoengine.stage import Parameters, Setup

_PIXELS = "pixels"
"""The embedded provider by which every recipe can be tried. It reads no text: rules stand in."""


def _by_whom(role: str, setup: Setup) -> str:
    """The role, or ``EMBEDDED`` where it stands for no model."""
    return EMBEDDED if setup.models.get(role) == _PIXELS else role


class TextModelParameters(Parameters):
    """How a text model is asked."""

    temperature: float | None = Field(default=0.0, ge=0)
    """How freely the model draws its words; null: the model's default, for models that take no
    other."""
    max_tokens: int | None = Field(default=4096, ge=1)
    """The most tokens of one answer; null: the model's default."""
    seed: int | None = None
    """A seed for models that take one."""

    @property
    def sampling(self) -> Sampling:
        """The same for a request."""
        return Sampling(temperature=self.temperature, max_tokens=self.max_tokens, seed=self.seed)


class ReadingParameters(TextModelParameters):
    """How captions are read."""

    content_prompt: str = "pancapscore/content1.v1"
    """The prompt with the caption."""
    content_repair_prompt: str = "pancapscore/content_repair1.v1"
    """The prompt that quotes what of an answer cannot be used."""
    content_repair: int = Field(default=1, ge=0)
    """How often the model is asked again for lines that cannot be used wholly."""
    language: str = DEFAULT_MODEL
    """The spaCy model of the embedded extractor."""

    def extraction(self, model: str, setup: Setup) -> Extraction:
        """The same with its prompts loaded; rules where the role's model is ``pixels``.

        Raises RecipeError for a prompt that does not fit.
        """
        model = _by_whom(model, setup)
        load = (lambda *_: None) if model == EMBEDDED else _load
        return Extraction(
            model,
            load(setup, self.content_prompt, "caption"),
            load(setup, self.content_repair_prompt, "faults") if self.content_repair else None,
            self.content_repair,
            self.sampling,
            self.language,
        )


class JudgingParameters(TextModelParameters):
    """How questions are written and answered."""

    questions: Literal["model", "plain"] = "model"
    """``model``: it writes a pair of questions about each statement, a call a caption. ``plain``:
    whether the statement is true, and whether it is false, without a call."""
    questions_prompt: str = "pancapscore/questions1.v1"
    """The prompt with the statements that questions are wanted for."""
    answers_prompt: str = "pancapscore/answers1.v1"
    """The prompt with a caption and the questions about the other one."""
    answers_repair_prompt: str = "pancapscore/answers_repair1.v1"
    """The prompt with the questions that were not answered by yes or no."""
    answers_repair: int = Field(default=1, ge=0)
    """How often the model is asked again for answers that are neither yes nor no."""
    most_items: int = Field(default=MOST_ITEMS, ge=1)
    """Statements of one call; a caption with more of them takes several."""
    wordnet: str = OFF
    """By what tags are synonymous besides their words: ``off``, ``auto``, or WordNet's folder."""
    vectors: str = ""
    """The role of a model that embeds tags, by which they may be alike too; the paper:
    sentence_transformers/all-mpnet-base-v2. Empty: by words alone."""

    def judging(self, model: str, setup: Setup) -> Judging:
        """The same with its prompts loaded; rules where the role's model is ``pixels``.

        Raises RecipeError for a prompt that does not fit.
        """
        model = _by_whom(model, setup)
        load = (lambda *_: None) if model == EMBEDDED else _load
        known = ("caption", "entities", "questions")
        return Judging(
            model,
            "plain" if model == EMBEDDED else self.questions,
            load(setup, self.questions_prompt, "content", "items")
            if self.questions == "model"
            else None,
            load(setup, self.answers_prompt, *known),
            load(setup, self.answers_repair_prompt, "questions") if self.answers_repair else None,
            self.answers_repair,
            self.sampling,
            self.most_items,
            self.wordnet,
            self.vectors,
        )


def _load(setup: Setup, name: str, *known: str) -> Prompt:
    prompt = setup.prompt(name)
    prompt.check_fits(setup.name, known, None)
    return prompt


def prompts_of(*parts: Extraction | Judging) -> list[Prompt]:
    """All prompts that may be used."""
    found: list[Any] = []
    for part in parts:
        if isinstance(part, Extraction):
            found += [part.prompt, part.repair_prompt]
        else:
            found += [part.questions_prompt, part.answers_prompt, part.repair_prompt]
    return [cast(Prompt, prompt) for prompt in found if prompt is not None]


def roles_of(*parts: Extraction | Judging) -> tuple[str, ...]:
    """The roles that are asked, each once."""
    roles: list[str] = []
    for part in parts:
        roles += [part.model] if part.asks else []
        roles += [part.vectors] if isinstance(part, Judging) and part.vectors else []
    return tuple(dict.fromkeys(roles))


def needs_of(*parts: Extraction | Judging) -> Sequence[Requirement]:
    """What the machine must have: spaCy for the embedded extractor, WordNet where it is wanted."""
    needs: list[Requirement] = []
    for part in parts:
        if isinstance(part, Judging):
            needs += wordnet_requirements(part.wordnet)
        elif not part.asks:
            needs += language_requirements(part.language)
    return needs
