"""What stages that ask a model have in common: settings, messages, and what a reply was.

A question is one message with its pictures; a repair is a conversation of three, so that its
length does not grow with the number of repairs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from annoengine.prompt import Prompt
from annoengine.provider import ImagePart, Message, Reply, Sampling, TextPart
from annoengine.record import DrawnImage, Origin, Photo
from annoengine.stage import Parameters, Setup


class AskingParameters(Parameters):
    """How a model is asked."""

    temperature: float | None = Field(default=None, ge=0)
    """How freely the model draws its words; unset: the model's default."""
    max_tokens: int | None = Field(default=None, ge=1)
    """The most tokens of one answer; unset: the model's default."""
    seed: int | None = None
    """A seed for models that take one."""
    detail: Literal["low", "high", "auto"] | None = None
    """How closely an OpenAI model looks at the picture; unset: its default."""
    picture: Literal["last", "first"] = "last"
    """Whether a picture stands after the text, whose fixed beginning a server may then have cached,
    or before it."""

    @property
    def sampling(self) -> Sampling:
        """The same for a request."""
        return Sampling(
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            seed=self.seed,
            detail=self.detail,
        )

    def question(self, text: str, images: Iterable[DrawnImage | Photo]) -> Message:
        """A question with its pictures, in the order that ``picture`` says."""
        words = TextPart(text=text)
        pictures = tuple(ImagePart(image=image) for image in images)
        if self.picture == "first":
            return Message(role="user", parts=(*pictures, words))
        return Message(role="user", parts=(words, *pictures))


def load_prompts(
    setup: Setup, names: Sequence[str], known: Collection[str], answer: str | None
) -> list[Prompt]:
    """The prompts of these names. Raises RecipeError for any that does not fit the stage."""
    prompts = [setup.prompt(name) for name in names]
    for prompt in prompts:
        prompt.check_fits(setup.name, known, answer)
    return prompts


def repair_messages(question: Message, said: str, repair: str) -> tuple[Message, ...]:
    """The question, what the model said last, and what is asked for now."""
    return (
        question,
        Message(role="assistant", parts=(TextPart(text=said),)),
        Message(role="user", parts=(TextPart(text=repair),)),
    )


def with_words(reply: Reply) -> Reply:
    """The reply; an answer without a word is an empty one."""
    if reply.text.strip():
        return reply
    return replace(reply, text="", outcome="empty" if reply.outcome == "answer" else reply.outcome)


def has_answer(reply: Reply) -> bool:
    """Did the model say anything that can be read, be it broken off?"""
    return reply.outcome in ("answer", "truncated") and bool(reply.text.strip())


def gave_up(reply: Reply) -> bool:
    """Was the model not reached in the end? Passing trouble must not last in a record."""
    return reply.outcome == "gave_up"


def no_answer(reply: Reply) -> str:
    """What to say of a reply that is none."""
    said = f": {reply.detail}" if reply.detail else ""
    return f"The model did not answer ({reply.outcome}{said})."


def origin_of(reply: Reply, stage: str, prompt: Prompt, turn: str, repairs: int) -> Origin:
    """Who said it."""
    return Origin(
        stage=stage,
        model=reply.model,
        prompt=prompt.name,
        prompt_sha256=prompt.sha256,
        call=reply.key,
        turn=reply.turn or turn,
        repairs=repairs,
    )
