"""The models behind a role, and what is done about an answer that is none.

A role of the recipe names one model, or several in the order in which they are tried::

    models:
      annotator: openai/gpt-4o                         # one model
      annotator: [openai/gpt-4o-mini, openai/gpt-4o]   # the second gets what the first failed at
      annotator:
        models:
          - model: openai/gpt-4o-mini
            limits: {requests_per_minute: 500}
            price: {input: 0.15, output: 0.60}         # USD per million tokens
          - openai/gpt-4o
        when:                                          # what is done, in turn, about each outcome
          truncated: [raise_tokens, next_model]
          refusal: [raise_temperature, next_model]
        escalate_when: parse.repaired > 0.5            # on the scores that the stage stored

A remedy changes the request, never the journal: what was answered stays there, and a resumed run
takes the same path through it. The end of a list means *fail*: the stage gets the outcome as it is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from annoengine.limit_settings import LimitSettings
from annoengine.pricing import PriceText
from annoengine.provider import Outcome, Provider, Request, Sampling

Remedy = Literal["raise_tokens", "raise_temperature", "next_model", "fail"]
"""``raise_tokens`` doubles the limit of the answer; ``raise_temperature`` makes it hotter by
``WARMER``; ``next_model`` leaves the question to the next model of the role."""

WARMER = 0.2
"""What each ``raise_temperature`` adds."""

_HOTTEST = 2.0
_USUAL_TEMPERATURE = 1.0
"""What is raised where the recipe leaves the temperature to the model."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Model(_Closed):
    """One model of a role, with what the recipe says of it."""

    model: str
    """``provider/model``; plain ``provider`` where it has one model."""
    options: dict[str, Any] = {}
    """Passed to the provider, which checks them."""
    limits: LimitSettings = LimitSettings()
    """Requests and tokens a minute, and calls at once, at most."""
    price: PriceText | None = None
    """USD per million tokens; unset: the price list's."""


class Remedies(_Closed):
    """What is done, in turn, about each outcome that is no answer; ``fail`` ends a list early."""

    refusal: tuple[Remedy, ...] = ("next_model",)
    """The model would not answer."""
    filtered: tuple[Remedy, ...] = ("next_model",)
    """The provider's filter stopped the question or the answer."""
    truncated: tuple[Remedy, ...] = ()
    """The token limit cut the answer off; by default the stage uses what came and asks on."""
    empty: tuple[Remedy, ...] = ("next_model",)
    """The model answered without a word."""
    gave_up: tuple[Remedy, ...] = ("next_model",)
    """Every try failed on the way."""
    unparsable: tuple[Remedy, ...] = ("next_model",)
    """The stage could not use the answers, its own repairs included."""

    def of(self, outcome: Outcome | Literal["unparsable"]) -> tuple[Remedy, ...]:
        """The remedies of an outcome; none for an answer."""
        remedies: tuple[Remedy, ...] = getattr(self, outcome, ())
        return remedies


class RoleText(_Closed):
    """A role of the recipe in its longest form."""

    models: tuple[Model, ...] = Field(min_length=1)
    """The models, in the order in which they are tried."""
    when: Remedies = Remedies()
    """What is done about outcomes that are no answer."""
    escalate_when: str | None = None
    """A condition on the stage's scores under which the next model does the record anew."""

    @property
    def names(self) -> str:
        """All models in one line."""
        return ", ".join(model.model for model in self.models)


@dataclass(frozen=True)
class Variant:
    """The way a stage is gone through: the first model that is asked, and how much warmer.

    ``done`` counts the remedies that this model has had.
    """

    model: int = 0
    warmer: int = 0
    done: int = 0


FIRST = Variant()


@dataclass(frozen=True)
class Role:
    """A role with its providers, ready to be asked."""

    text: RoleText
    providers: tuple[Provider, ...]

    def next_variant(self, variant: Variant) -> Variant | None:
        """How a record is gone through again whose answers were of no use; None: it fails."""
        remedies = self.text.when.of("unparsable")
        for place in range(variant.done, len(remedies)):
            if remedies[place] == "fail":
                return None
            if remedies[place] == "next_model":
                return self.next_model(variant)
            if remedies[place] == "raise_temperature":
                return replace(variant, warmer=variant.warmer + 1, done=place + 1)
        return None

    def next_model(self, variant: Variant) -> Variant | None:
        """The same with the next model, or None where there is no other."""
        if variant.model + 1 < len(self.providers):
            return Variant(variant.model + 1)
        return None


class Course:
    """The remedies of one question, from model to model."""

    def __init__(self, role: Role, request: Request, variant: Variant) -> None:
        self._role = role
        self._place = min(variant.model, len(role.providers) - 1)
        self._original = warmed(request, variant.warmer)
        self._used: Counter[str] = Counter()
        self.request = self._original

    @property
    def model(self) -> Model:
        """What the recipe says of the model that is asked now."""
        return self._role.text.models[self._place]

    @property
    def provider(self) -> Provider:
        """The provider that is asked now."""
        return self._role.providers[self._place]

    def goes_on(self, outcome: Outcome) -> bool:
        """After this outcome: is there anything more to try? Then the request is the next one."""
        if outcome == "answer":
            return False
        for remedy in self._role.text.when.of(outcome)[self._used[outcome] :]:
            self._used[outcome] += 1
            if remedy == "fail":
                return False
            if remedy == "next_model":
                if self._place + 1 == len(self._role.providers):
                    return False
                self._place += 1
                self._used.clear()
                self.request = self._original
                return True
            changed = _changed(self.request, remedy)
            if changed is not None:
                self.request = changed
                return True
        return False


def _changed(request: Request, remedy: Remedy) -> Request | None:
    """The request after a remedy, or None where it has nothing to change."""
    if remedy == "raise_temperature":
        return warmed(request, 1)
    most = request.sampling.max_tokens
    if most is None:
        return None
    return replace(request, sampling=_but(request.sampling, max_tokens=2 * most))


def warmed(request: Request, times: int) -> Request:
    """The request with its temperature raised so many times."""
    if not times:
        return request
    now = request.sampling.temperature
    hotter = (_USUAL_TEMPERATURE if now is None else now) + WARMER * times
    return replace(
        request, sampling=_but(request.sampling, temperature=round(min(_HOTTEST, hotter), 4))
    )


def _but(sampling: Sampling, **changes: Any) -> Sampling:
    return sampling.model_copy(update=changes)
