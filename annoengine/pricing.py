"""What a call costs, and what it can cost at most: prices per token, in whole nano-dollars.

A price comes from the recipe or from the package ``genai-prices``, whose list is part of the
package: nothing is fetched. Without either there is none, which is said and never taken for zero.
Sums are of whole nano-dollars (10⁻⁹ USD), each call rounded up, so they are exact and do not
depend on their order.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from annoengine.errors import RecipeError
from annoengine.provider import Usage
from annoengine.registry import did_you_mean
from annoengine.request_tokens import TokenBounds

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

_PICO_IN_NANO = 1000

_SUSPICIOUS_USD = 0.0005
"""No model of the list costs less for a million tokens; a smaller number is the price of one."""


class PriceText(BaseModel):
    """A model's price in a recipe, in USD per million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    input: float = Field(ge=0, allow_inf_nan=False)
    """What a million input tokens cost."""
    output: float = Field(ge=0, allow_inf_nan=False)
    """What a million output tokens cost, reasoning included."""
    cached_input: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """What a million input tokens cost that are read from a cache; unset: as any other."""
    batch: float | None = Field(default=None, gt=0, le=1)
    """The share of these prices that a batch call costs (0.5); unset: no batch price is known."""

    @model_validator(mode="after")
    def _plausible(self) -> Self:
        for name in ("input", "output", "cached_input"):
            usd = getattr(self, name)
            if usd is not None and 0 < usd < _SUSPICIOUS_USD:
                raise ValueError(
                    f"{name}: {usd} looks like the price of one token; give USD per million "
                    f"tokens, for example {usd * 1e6:g}"
                )
        if self.cached_input is not None and self.cached_input > self.input:
            raise ValueError(
                f"cached_input: {self.cached_input:g} is dearer than input: {self.input:g}; "
                "a token from the cache never is"
            )
        return self


@dataclass(frozen=True)
class Rate:
    """What a token costs, in pico-dollars: the micro-dollars that a million tokens cost.

    ``tiers``: (tokens, pico-dollars), rising; a request with more input tokens than that pays the
    tier's rate for all of its tokens.
    """

    pico: int
    tiers: tuple[tuple[int, int], ...] = ()

    def at(self, input_tokens: int) -> int:
        """The rate of a request with so many input tokens."""
        rate = self.pico
        for start, pico in self.tiers:
            if input_tokens > start:
                rate = pico
        return rate

    def dearest(self, most_input: int) -> int:
        """The highest rate of any request with up to so many input tokens."""
        return max((self.pico, *(pico for start, pico in self.tiers if most_input > start)))

    @property
    def usd(self) -> float:
        """USD per million tokens, before any tier."""
        return self.pico / 1e6


@dataclass(frozen=True)
class Rates:
    """The rates of one way to call a model.

    ``cache_write`` is for input tokens that the provider puts into its cache; most charge them as
    any others.
    """

    input: Rate
    output: Rate
    cached_input: Rate
    cache_write: Rate


@dataclass(frozen=True)
class Price:
    """What a model costs; ``batch`` None where no batch price is known.

    ``source`` says who says so, ``as_of`` for which day (ISO), where that matters.
    """

    standard: Rates
    source: str
    as_of: str = ""
    batch: Rates | None = None

    def rates(self, batch: bool) -> Rates:
        """The rates of a batch call, or of another; the standard ones where no other is known."""
        return self.batch if batch and self.batch is not None else self.standard


_ZERO = Rate(0)
FREE = Price(Rates(_ZERO, _ZERO, _ZERO, _ZERO), "no call is paid for")
"""The price of providers that compute themselves or read a journal."""


def price_of(
    model: str,
    override: PriceText | Mapping[str, Any] | None = None,
    *,
    free: bool = False,
    base_url: str | None = None,
    on: datetime.date | None = None,
) -> Price | None:
    """The price of ``model`` (``provider/model``), or None where nobody knows it.

    ``override`` is the recipe's and goes before the list; raises RecipeError where it is wrong.
    ``free``: the provider computes itself. ``base_url``: the server that is asked, where it is
    not the provider's usual one; only a server that the list knows has a price there. ``on``: the
    day whose prices are wanted, today by default (UTC).
    """
    if override is not None:
        return _given(model, override)
    if free:
        return FREE
    return _listed(model, base_url, on or datetime.datetime.now(datetime.UTC).date())


def cost_of(
    price: Price, usage: Usage, *, batch: bool = False, cache_write_tokens: int | None = None
) -> int | None:
    """What a call cost in nano-dollars; None where the provider did not count its tokens.

    Where writing to a cache has its own price and ``cache_write_tokens`` is not told, every input
    token that was not read from the cache counts as written: rather too much than too little.
    """
    if price is FREE:
        return 0
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    rates, total = price.rates(batch), usage.input_tokens
    cached = min(usage.cached_input_tokens or 0, total)
    fresh, write = rates.input.at(total), rates.cache_write.at(total)
    written = total - cached
    if cache_write_tokens is not None or write < fresh:
        written = min(cache_write_tokens or 0, written)
    return _nano(
        cached * rates.cached_input.at(total)
        + written * write
        + (total - cached - written) * fresh
        + usage.output_tokens * rates.output.at(total)
    )


def most_of(price: Price | None, bounds: TokenBounds, *, batch: bool = False) -> int:
    """The most that a call can cost, in nano-dollars; 0 where no price is known.

    No discount for a cache, the dearest tier that its input can reach, and where the request
    sets no limit to its answer the most that the model writes.
    """
    if price is None:
        return 0
    rates, most = price.rates(batch), bounds.most_input
    output = bounds.model_output if bounds.most_output is None else bounds.most_output
    input_rate = max(
        rate.dearest(most) for rate in (rates.input, rates.cached_input, rates.cache_write)
    )
    return _nano(most * input_rate + output * rates.output.dearest(most))


def _nano(pico: int) -> int:
    return -(-pico // _PICO_IN_NANO)


def _rate(usd_per_million: float | Decimal, share: float = 1.0) -> Rate:
    exact = Fraction(str(usd_per_million)) * Fraction(str(share))
    return Rate(math.ceil(exact * 1_000_000))


def _given(model: str, override: PriceText | Mapping[str, Any]) -> Price:
    text = override if isinstance(override, PriceText) else _read(model, override)

    def rates(share: float) -> Rates:
        cached = text.input if text.cached_input is None else text.cached_input
        fresh = _rate(text.input, share)
        return Rates(fresh, _rate(text.output, share), _rate(cached, share), fresh)

    batch = None if text.batch is None else rates(text.batch)
    return Price(rates(1.0), "the recipe", batch=batch)


def _read(model: str, data: Mapping[str, Any]) -> PriceText:
    try:
        return PriceText.model_validate(dict(data))
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        # A misspelt key is also a missing one; the spelling is what helps.
        first = next((e for e in wrong if e["type"] == "extra_forbidden"), wrong[0])
        key = ".".join(str(part) for part in first["loc"])
        where = f"price of {model}"
        if first["type"] == "extra_forbidden":
            hint = did_you_mean(key, PriceText.model_fields)
            raise RecipeError(f"{where}: unknown key {key!r}.{hint}") from None
        if first["type"] == "missing":
            raise RecipeError(
                f"{where}: {key!r} is needed and not there; give price: {{input: …, output: …}}, "
                "USD per million tokens"
            ) from None
        message = first["msg"].removeprefix("Value error, ")
        at = f"{where}: {key}" if key else where
        got = "" if not key else f" (got {first['input']!r})"
        raise RecipeError(f"{at}: {message}{got}") from None


_LISTED_AS = {"gemini": "google"}
"""Where the list calls a provider by another name."""


def _listed(model: str, base_url: str | None, on: datetime.date) -> Price | None:
    provider, _, name = model.partition("/")
    name = name.removeprefix("models/")
    if not name:
        return None
    from genai_prices import __version__
    from genai_prices.data_snapshot import get_snapshot  # the list within the package

    snapshot = get_snapshot()
    provider = _LISTED_AS.get(provider, provider)
    if base_url is None and all(listed.id != provider for listed in snapshot.providers):
        return None
    try:
        listed, info = snapshot.find_provider_model(
            name, None, None if base_url else provider, base_url
        )
    except LookupError:
        return None
    standard = _rates(info, on, {})
    if standard is None:
        return None
    batch = _rates(info, on, {"processing": "batch"})
    return Price(
        standard,
        f"genai-prices {__version__}: {listed.id} {info.id}",
        on.isoformat(),
        None if batch == standard else batch,
    )


def _rates(info: ModelInfo, on: datetime.date, context: Mapping[str, str]) -> Rates | None:
    """The rates of a day; None where they are not known whole, or each call has a fee beside."""
    prices = _dearest_of_day(info, on, context)
    fresh, written = _listed_rate(prices, "input"), _listed_rate(prices, "output")
    if fresh is None or written is None or prices.__dict__.get("requests_kcount") is not None:
        return None
    image = _listed_rate(prices, "input_image")
    if image is not None and image.pico > fresh.pico:
        fresh = image  # usage does not tell words from pictures
    return Rates(
        fresh,
        written,
        _listed_rate(prices, "cache_read") or fresh,
        _listed_rate(prices, "cache_write") or fresh,
    )


def _dearest_of_day(info: ModelInfo, on: datetime.date, context: Mapping[str, str]) -> ModelPrice:
    """The prices of a day; of those that change with the hour, the ones with the dearest output.

    A call of a run may come at any hour.
    """
    hours: Iterable[int] = (12,)
    if isinstance(info.prices, list) and any(
        hasattr(conditional.constraint, "start_time") for conditional in info.prices
    ):
        hours = range(24)
    at = (datetime.datetime.combine(on, datetime.time(hour), datetime.UTC) for hour in hours)
    return max(
        (info.get_prices(moment, context) for moment in at),
        key=lambda prices: rate.pico if (rate := _listed_rate(prices, "output")) else 0,
    )


def _listed_rate(prices: ModelPrice, name: str) -> Rate | None:
    listed = prices.__dict__.get(f"{name}_mtok")
    if listed is None:
        return None
    if isinstance(listed, Decimal):
        return _rate(listed)
    tiers = tuple((tier.start, _rate(tier.price).pico) for tier in listed.tiers)
    return Rate(_rate(listed.base).pico, tiers)
