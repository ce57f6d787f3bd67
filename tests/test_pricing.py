"""Prices against the providers' published ones, costs worked by hand, and sums that stay exact."""

from __future__ import annotations

import datetime
import random
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from annoengine.errors import RecipeError
from annoengine.pricing import FREE, Price, PriceText, Rate, Rates, cost_of, most_of, price_of
from annoengine.provider import Usage
from annoengine.request_tokens import TokenBounds

DAY = datetime.date(2026, 11, 1)


def listed(model: str, **more: Any) -> Price:
    price = price_of(model, on=DAY, **more)
    assert price is not None
    return price


@pytest.mark.parametrize(
    ("model", "usd_input", "usd_cached", "usd_output"),
    [
        # openai.com/api/pricing and developers.openai.com/api/docs/pricing, USD a million tokens.
        ("openai/gpt-4o", 2.50, 1.25, 10.00),
        ("openai/gpt-4o-2024-11-20", 2.50, 1.25, 10.00),
        ("openai/gpt-4o-2024-05-13", 5.00, 5.00, 15.00),  # older than the cache
        ("openai/gpt-4o-mini", 0.15, 0.075, 0.60),
        ("openai/gpt-4.1", 2.00, 0.50, 8.00),
        ("openai/gpt-4.1-mini", 0.40, 0.10, 1.60),
        ("openai/o4-mini", 1.10, 0.275, 4.40),
        ("openai/gpt-5", 1.25, 0.125, 10.00),
        ("openai/gpt-5-mini", 0.25, 0.025, 2.00),
        # ai.google.dev/gemini-api/docs/pricing.
        ("gemini/gemini-2.5-flash", 0.30, 0.03, 2.50),
        ("gemini/models/gemini-2.5-flash", 0.30, 0.03, 2.50),
        ("gemini/gemini-2.5-pro", 1.25, 0.125, 10.00),
    ],
)
def test_published_prices(
    model: str, usd_input: float, usd_cached: float, usd_output: float
) -> None:
    rates = listed(model).standard
    assert rates.input.usd == usd_input
    assert rates.cached_input.usd == usd_cached
    assert rates.output.usd == usd_output


@pytest.mark.parametrize("model", ["openai/gpt-4o", "openai/gpt-4.1-mini", "gemini/gemini-2.5-pro"])
def test_batch_calls_cost_half(model: str) -> None:
    price = listed(model)
    assert price.batch is not None
    assert price.batch.input.usd == price.standard.input.usd / 2
    assert price.batch.output.usd == price.standard.output.usd / 2


def test_a_batch_price_that_nobody_publishes_is_the_standard_one() -> None:
    price = listed("openai/gpt-4.5-preview")
    assert price.batch is None
    usage = Usage(1000, 100)
    assert cost_of(price, usage, batch=True) == cost_of(price, usage)


def test_prices_of_the_day() -> None:
    # o3 became 80 % cheaper on 2025-06-10: 10 and 40, then 2 and 8.
    before = price_of("openai/o3", on=datetime.date(2025, 6, 1))
    assert before is not None
    assert (before.standard.input.usd, before.standard.output.usd) == (10.0, 40.0)
    assert (listed("openai/o3").standard.input.usd, before.as_of) == (2.0, "2025-06-01")


def test_a_price_says_whose_it_is() -> None:
    price = listed("gemini/gemini-2.5-flash")
    assert price.source.startswith("genai-prices ")
    assert price.source.endswith(": google gemini-2.5-flash")
    assert price.as_of == "2026-11-01"


@pytest.mark.parametrize(
    "model",
    [
        "openai/qwen2-vl",
        "openai/gpt-4o-of-our-own",
        "openai",
        "openai/",
        "mylab.models:Captioner/v2",
        "my-openai/gpt-4o",  # a provider that only sounds like one
        "gemini/gemma-3-27b-it",  # listed without a price
        "openai/text-embedding-3-small",  # no price of an answer
        "perplexity/sonar",  # a fee for each request beside the tokens
    ],
)
def test_an_unknown_price_is_none_and_not_zero(model: str) -> None:
    assert price_of(model, on=DAY) is None


def test_only_a_known_server_has_listed_prices() -> None:
    assert price_of("openai/gpt-4o", base_url="http://localhost:8000/v1", on=DAY) is None
    assert listed("openai/gpt-4o", base_url="https://api.openai.com/v1").standard.input.usd == 2.5
    azure = listed("openai/gpt-4o", base_url="https://lab.openai.azure.com/openai/v1")
    assert azure.source.endswith(": azure gpt-4o")
    router = listed("openai/qwen/qwen2.5-vl-72b-instruct", base_url="https://openrouter.ai/api/v1")
    assert ": openrouter qwen" in router.source


def test_the_list_is_read_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a price went to the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert listed("openai/gpt-4.1-nano").standard.output.usd == 0.4


# What calls cost.


@pytest.mark.parametrize(
    ("model", "usage", "nano"),
    [
        # 1000 × 2.50 + 200 × 10.00 a million: 0.0025 + 0.0020 USD.
        ("openai/gpt-4o", Usage(1000, 200), 4_500_000),
        # 1024 of 1500 from the cache: 476 × 2500 + 1024 × 1250 + 10 × 10000 n$.
        ("openai/gpt-4o", Usage(1500, 10, 1024), 2_570_000),
        # A picture at high detail, 25,501 tokens, and 300 words: 25801 × 150 + 400 × 600 n$.
        ("openai/gpt-4o-mini", Usage(25_801, 400), 4_110_150),
        ("gemini/gemini-2.5-flash", Usage(1548, 100), 714_400),  # 464,400 + 250,000
        # gpt-5-mini from the cache: 25 n$; 1 token of 0.025 a million is not rounded away.
        ("openai/gpt-5-mini", Usage(1, 0, 1), 25),
        # More from the cache than was sent is all of it.
        ("openai/gpt-4o", Usage(100, 0, 500), 125_000),
    ],
)
def test_costs_by_hand(model: str, usage: Usage, nano: int) -> None:
    assert cost_of(listed(model), usage) == nano


def test_a_long_request_pays_the_dearer_tier_for_all_its_tokens() -> None:
    # Gemini 2.5 Pro above 200,000 input tokens: 2.50 and 15.00 instead of 1.25 and 10.00.
    price = listed("gemini/gemini-2.5-pro")
    assert cost_of(price, Usage(200_000, 1000)) == 200_000 * 1250 + 1000 * 10_000
    assert cost_of(price, Usage(200_001, 1000)) == 200_001 * 2500 + 1000 * 15_000


def test_what_is_not_said_of_cache_writes_counts_as_written() -> None:
    # gpt-5.6-sol: 4.00 a million, 5.00 where it is written to the cache, 0.40 from it, 20.00 out.
    price = listed("openai/gpt-5.6-sol")
    usage = Usage(3000, 100, 1000)
    assert cost_of(price, usage) == 1000 * 400 + 2000 * 5000 + 100 * 20_000
    assert cost_of(price, usage, cache_write_tokens=0) == 1000 * 400 + 2000 * 4000 + 100 * 20_000
    told = cost_of(price, usage, cache_write_tokens=500)
    assert told == 1000 * 400 + 500 * 5000 + 1500 * 4000 + 100 * 20_000


def test_a_call_whose_tokens_were_not_counted_has_no_cost() -> None:
    price = listed("openai/gpt-4o")
    assert cost_of(price, Usage()) is None
    assert cost_of(price, Usage(1000, None)) is None
    assert cost_of(price, Usage(None, 10)) is None


def test_providers_that_compute_themselves_cost_nothing() -> None:
    assert price_of("pixels", free=True) is FREE
    assert cost_of(FREE, Usage()) == 0
    assert most_of(FREE, TokenBounds(10**6, 10**6, 10**6)) == 0


def test_the_most_is_without_discount_and_in_the_dearest_tier() -> None:
    gpt_4o = listed("openai/gpt-4o")
    assert most_of(gpt_4o, TokenBounds(900, 3000, 2000)) == 3000 * 2500 + 2000 * 10_000
    assert most_of(gpt_4o, TokenBounds(900, 3000, 2000), batch=True) == 3000 * 1250 + 2000 * 5000
    sol = listed("openai/gpt-5.6-sol")
    assert most_of(sol, TokenBounds(900, 3000, 10)) == 3000 * 5000 + 10 * 20_000  # all written
    pro = listed("gemini/gemini-2.5-pro")
    assert most_of(pro, TokenBounds(900, 200_001, 1)) == 200_001 * 2500 + 15_000
    assert most_of(pro, TokenBounds(900, 200_000, 1)) == 200_000 * 1250 + 10_000


def test_without_a_limit_the_most_is_what_the_model_writes() -> None:
    bounds = TokenBounds(0, 0, None, model_output=16_384)
    assert most_of(listed("openai/gpt-4o"), bounds) == 16_384 * 10_000


def test_an_unknown_price_reserves_nothing() -> None:
    assert most_of(None, TokenBounds(900, 3000, 2000)) == 0


def rates() -> st.SearchStrategy[Rate]:
    pico = st.integers(0, 10**8)
    tiers = st.lists(st.tuples(st.integers(0, 300_000), pico), max_size=3)
    return st.builds(lambda base, more: Rate(base, tuple(sorted(more))), pico, tiers)


PRICES = st.builds(
    Price, st.builds(Rates, rates(), rates(), rates(), rates()), source=st.just("drawn")
)


@given(PRICES, st.integers(0, 400_000), st.integers(0, 5000), st.integers(0, 10**6), st.data())
def test_no_call_within_its_bounds_costs_more_than_the_most(
    price: Price, most_input: int, most_output: int, cached: int, data: st.DataObject
) -> None:
    usage = Usage(
        data.draw(st.integers(0, most_input)), data.draw(st.integers(0, most_output)), cached
    )
    written = data.draw(st.none() | st.integers(0, 400_000))
    cost = cost_of(price, usage, cache_write_tokens=written)
    assert cost is not None
    assert 0 <= cost <= most_of(price, TokenBounds(0, most_input, most_output))


def test_sums_do_not_depend_on_their_order() -> None:
    price = listed("openai/gpt-4.1-mini")
    seeded = random.Random(3)
    costs = [
        cost_of(price, Usage(seeded.randrange(5000), seeded.randrange(900), seeded.randrange(2000)))
        for _ in range(2000)
    ]
    total = sum(cost for cost in costs if cost is not None)
    seeded.shuffle(costs)
    assert sum(cost for cost in costs if cost is not None) == total
    assert sum(cost for cost in reversed(costs) if cost is not None) == total


def test_a_share_of_a_nano_dollar_is_rounded_up() -> None:
    price = price_of("x/y", {"input": 0.0005, "output": 0.075})  # 0.5 and 75 n$ a token
    assert price is not None
    assert cost_of(price, Usage(1, 0)) == 1
    assert cost_of(price, Usage(2, 0)) == 1
    assert cost_of(price, Usage(3, 1)) == 77


# The recipe's own price.


def test_a_recipes_price_goes_before_the_list() -> None:
    price = price_of("openai/gpt-4o", {"input": 3, "output": 12.5, "cached_input": 0.3})
    assert price is not None
    assert price.source == "the recipe"
    assert price.batch is None
    assert cost_of(price, Usage(1000, 100, 400)) == 600 * 3000 + 400 * 300 + 100 * 12_500


def test_a_recipes_batch_share_holds_for_all_its_prices() -> None:
    text = PriceText(input=2.5, output=10, cached_input=1.25, batch=0.5)
    price = price_of("openai/anything", text)
    assert price is not None
    assert cost_of(price, Usage(1000, 100, 400), batch=True) == 600 * 1250 + 400 * 625 + 100 * 5000


def test_a_free_server_is_told_by_a_price_of_zero() -> None:
    price = price_of("openai/llava", {"input": 0, "output": 0})
    assert price is not None
    assert cost_of(price, Usage(1000, 100)) == 0


def test_decimal_prices_are_taken_as_they_are_written() -> None:
    price = price_of("x/y", {"input": 0.1, "output": 0.7, "batch": 0.3})
    assert price is not None
    assert price.batch is not None
    assert (price.standard.input.pico, price.standard.output.pico) == (100_000, 700_000)
    assert (price.batch.input.pico, price.batch.output.pico) == (30_000, 210_000)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            {"input": 2.5, "outptu": 10},
            "price of openai/x: unknown key 'outptu'. Did you mean 'output'?",
        ),
        (
            {"input": 2.5},
            "price of openai/x: 'output' is needed and not there; give price: {input: …, "
            "output: …}, USD per million tokens",
        ),
        (
            {"input": -1, "output": 3},
            "price of openai/x: input: Input should be greater than or equal to 0 (got -1)",
        ),
        (
            {"input": float("nan"), "output": 3},
            "price of openai/x: input: Input should be a finite number (got nan)",
        ),
        (
            {"input": "cheap", "output": 3},
            "price of openai/x: input: Input should be a valid number, unable to parse string as "
            "a number (got 'cheap')",
        ),
        (
            {"input": 2.5, "output": 10, "batch": 50},
            "price of openai/x: batch: Input should be less than or equal to 1 (got 50)",
        ),
        (
            {"input": 2.5e-6, "output": 1e-5},
            "price of openai/x: input: 2.5e-06 looks like the price of one token; give USD per "
            "million tokens, for example 2.5",
        ),
        (
            {"input": 2.5, "output": 10, "cached_input": 5},
            "price of openai/x: cached_input: 5 is dearer than input: 2.5; a token from the cache "
            "never is",
        ),
    ],
)
def test_a_wrong_price_is_explained(data: dict[str, Any], text: str) -> None:
    with pytest.raises(RecipeError) as raised:
        price_of("openai/x", data)
    assert str(raised.value) == text


def test_a_price_in_a_recipe_is_closed() -> None:
    with pytest.raises(ValidationError):
        PriceText.model_validate({"input": 1, "output": 2, "per": "token"})
    with pytest.raises(ValidationError):
        PriceText(input=1, output=2).input = 3
