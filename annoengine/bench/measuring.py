"""Measures a local model: builds or loads it, warms it up, runs the ways of answering in turn.

The ways take turns round by round on the same model, so that a machine that grows slower meets all
of them alike. How much is asked is cut down beforehand where the first answers show that it would
not end in time; one round is run whole in any case.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from annoengine.bench.lengths import LONGEST, MEAN, SHORTEST, answer_lengths
from annoengine.bench.modes import (
    ENGINE,
    ONE,
    STATIC,
    Measured,
    by_engine,
    by_generate,
    forget_peak,
    peak_bytes,
    task_of,
)
from annoengine.bench.probes import processor_peak
from annoengine.bench.random_models import bench_shape, random_model
from annoengine.bench.workload import Job, jobs
from annoengine.card_fit import BYTES, fit_sentence, room, shape_of_model
from annoengine.cards import Peak, peak_of, torch_sees
from annoengine.errors import InputError, SettingError
from annoengine.local.chat import Facts, TooLarge
from annoengine.local.engine import LocalEngine
from annoengine.local.loading import load_model
from annoengine.local.memory import give_back, is_out_of_memory
from annoengine.local.model import SEEING, LoadedModel
from annoengine.local.options import EngineOptions, read_engine_options
from annoengine.model_shapes import ModelShape, shape_of_config
from annoengine.plain_chat import PLAIN_TEMPLATE
from annoengine.requirement import extra

MODES = (ONE, STATIC, ENGINE)

_WARM_TOKENS = 24
_SLOWER_IN_BATCHES = 1.5
"""A step over a batch takes at most so many times one over a single row; a guess for planning."""


@dataclass(frozen=True)
class Settings:
    """What is measured. ``model`` is a local model's name (``qwen2_vl/PATH``), or "" with a
    ``shape``."""

    model: str = ""
    shape: str = ""
    device: str = "auto"
    dtype: str = "auto"
    slots: int = 64
    answers: int = 256
    """Answers of the engine in a round; the other ways get fewer, for they are slower."""
    lengths: tuple[int, float, int] = (SHORTEST, MEAN, LONGEST)
    prompt_tokens: int = 300
    rounds: int = 3
    minutes: float = 8.0
    seed: int = 0
    modes: tuple[str, ...] = MODES
    max_pixels: int | None = None
    attention: str = "sdpa"
    graphs: bool = True
    bandwidth_gb_s: float | None = None
    tflops: float | None = None
    workers: int | None = None


@dataclass
class Measurement:
    """What came out: of each way, and of the machine."""

    settings: Settings
    name: str
    facts: Facts
    shape: ModelShape | None
    peak: Peak | None
    modes: dict[str, Measured]
    seconds: float = 0.0
    smallest_gap: float | None = None
    notes: list[str] = field(default_factory=list)


Tell = Callable[[str], None]


@dataclass(frozen=True)
class Machine:
    """Where a model is measured, and how."""

    device: str
    dtype: str
    options: EngineOptions


def check_machine(settings: Settings) -> Machine:
    """Sees to it that the model can be measured here, before anything is loaded.

    Raises SettingError or InputError for what is missing or too large, with what to do.
    """
    kind, _, path = settings.model.partition("/")
    if settings.model and (kind not in ("qwen2_vl", "llama") or not path):
        raise InputError(
            f"bench measures qwen2_vl/MODEL, llama/MODEL and openai/MODEL, not {settings.model!r}"
        )
    known = bench_shape(settings.shape) if settings.shape else shape_of_model(path)
    need = extra("local", "torch", "transformers")
    if not need.met:
        raise SettingError(f"bench needs {need.what}; install it: {need.remedy}")
    device = _device(settings)
    dtype = settings.dtype
    if dtype == "auto":
        dtype = "float32" if device == "cpu" else "bfloat16"
    if known is not None and device.startswith("cuda"):
        _check_fit(settings.model or f"a model in the shape of {known.name}", known, device, dtype)
    return Machine(device, dtype, _options(settings, device, dtype))


def _device(settings: Settings) -> str:
    cuda: Any = importlib.import_module("torch").cuda
    if settings.device != "auto":
        if settings.device.startswith("cuda") and not cuda.is_available():
            raise SettingError(f"device {settings.device}: torch finds no GPU on this machine")
        return "cuda:0" if settings.device == "cuda" else settings.device
    if cuda.is_available():
        return "cuda:0"
    if settings.shape in ("", "tiny"):
        return "cpu"
    raise SettingError(
        f"no GPU was found, and a model in the shape of {settings.shape} takes hours on a "
        "processor: nothing was measured. Run this where there is a GPU, try the command with "
        "--shape tiny, or insist with --device cpu"
    )


async def measure(settings: Settings, machine: Machine, tell: Tell) -> Measurement:
    """The measurement; ``tell`` is called with what is going on.

    Raises SettingError for what cannot be loaded.
    """
    began = time.monotonic()
    device = machine.device
    tell(f"{device}: making the model")
    engine, model, shape, name = await _opened(settings, machine)
    try:
        found = {
            mode: Measured(mode, 1 if mode == ONE else settings.slots) for mode in settings.modes
        }
        deadline = began + settings.minutes * 60
        left_s = deadline - time.monotonic()
        plan, notes = await _warmed_up(engine, model, settings, found, tell, left_s)
        for number in range(settings.rounds):
            started = time.monotonic()
            order = [*settings.modes[number % len(found) :], *settings.modes[: number % len(found)]]
            for mode in order:
                tell(f"round {number + 1}: {mode}, {plan[mode]} answers")
                await _run_mode(engine, model, found[mode], settings, plan[mode], number)
            took = time.monotonic() - started
            if time.monotonic() + took > deadline:
                break
        facts = engine.facts()[0]
        gap = engine.counts.smallest_gap
    finally:
        await engine.close()
    peak = _peak(settings, facts, notes)
    seconds = time.monotonic() - began
    return Measurement(settings, name, facts, shape, peak, found, seconds, gap, notes)


def _check_fit(name: str, shape: ModelShape, device: str, dtype: str) -> None:
    """Raises SettingError, with what would do, for a model that the card does not hold."""
    card = (torch_sees() or ())[int(device.partition(":")[2] or 0)]
    if dtype in BYTES and not room(shape, dtype, card.memory_bytes).sequences(1):
        raise SettingError(fit_sentence(name, shape, [card], dtype))


def _options(settings: Settings, device: str, dtype: str) -> EngineOptions:
    return read_engine_options(
        "bench",
        {
            "devices": [device],
            "dtype": dtype,
            "slots": settings.slots,
            "attention": settings.attention,
            "cuda_graphs": "auto" if settings.graphs else "off",
            "max_pixels": settings.max_pixels,
            "max_tokens": settings.lengths[2],
            "workers": settings.workers,
        },
    )


async def _opened(
    settings: Settings, machine: Machine
) -> tuple[LocalEngine, LoadedModel, ModelShape | None, str]:
    device, dtype, options = machine.device, machine.dtype, machine.options
    if settings.shape:
        shape = bench_shape(settings.shape)
        try:
            model = random_model(shape, device, dtype, settings.attention, settings.seed)
        except (RuntimeError, MemoryError) as error:
            first = str(error).partition("\n")[0]
            raise SettingError(
                f"a model in the shape of {shape.name} cannot be made on {device}: {first}"
            ) from None
        model.rule = model.rule.bounded(None, settings.max_pixels)
        return LocalEngine([model], options), model, shape, model.name
    kind, _, path = settings.model.partition("/")
    # As the providers of these names load them.
    families, template = (SEEING, None) if kind == "qwen2_vl" else ((), PLAIN_TEMPLATE)
    loaded = await asyncio.to_thread(
        load_model, settings.model, path, families, device, options, template
    )
    try:
        known = shape_of_config(loaded.model.config.to_dict(), path)
    except KeyError:
        known = None
    return LocalEngine([loaded], options), loaded, known, settings.model


async def _warmed_up(
    engine: LocalEngine,
    model: LoadedModel,
    settings: Settings,
    found: Mapping[str, Measured],
    tell: Tell,
    left_s: float,
) -> tuple[dict[str, int], list[str]]:
    """A few answers in each way; gives how many are asked of each in a round, and remarks.

    A static batch that does not fit the memory is halved until it does.
    """
    began = time.monotonic()
    notes = []
    step_s = 0.0
    for mode in settings.modes:
        scratch = Measured(mode, found[mode].at_once)
        lengths = [_WARM_TOKENS] * min(scratch.at_once, settings.answers)
        asked = _jobs(settings, model, lengths, settings.seed)
        tell(f"warming up: {mode}")
        while True:
            try:
                await _answer(engine, model, scratch, asked)
                break
            except TooLarge as error:
                raise SettingError(f"{error} (fewer --slots may help)") from None
            except Exception as error:
                if mode != STATIC or not is_out_of_memory(error) or scratch.at_once == 1:
                    raise
                give_back()
            found[mode].at_once = scratch.at_once = scratch.at_once // 2
            asked = asked[: scratch.at_once]
            notes.append(f"static batches of {2 * scratch.at_once} do not fit the memory")
        if mode != ENGINE:
            step_s = max(step_s, scratch.decode_s / (_WARM_TOKENS - 1))
    batches = max(1, settings.answers // (2 * settings.slots))
    several = min(settings.answers, batches * settings.slots)
    plan = {ONE: max(2, settings.answers // 64), STATIC: several, ENGINE: settings.answers}
    left = left_s - (time.monotonic() - began)
    likely = _likely_s(settings, plan, step_s)
    if likely > left:
        part = max(0.0, left) / likely
        plan = {mode: max(2, round(count * part)) for mode, count in plan.items()}
        notes.append(
            f"cut down to {plan[ENGINE]} answers of the engine a round: all of "
            f"{settings.answers} would have taken about {likely / 60:.0f} minutes"
        )
    return plan, notes


def _likely_s(settings: Settings, plan: dict[str, int], step_s: float) -> float:
    """About what a round takes, by what a step takes."""
    _, mean, longest = settings.lengths
    batch_s = step_s * _SLOWER_IN_BATCHES
    each = {
        ONE: plan[ONE] * mean * step_s,
        STATIC: -(-plan[STATIC] // settings.slots) * longest * batch_s,
        ENGINE: (plan[ENGINE] / settings.slots * mean + longest) * batch_s,
    }
    return sum(each[mode] for mode in settings.modes)


def _jobs(settings: Settings, model: LoadedModel, lengths: Sequence[int], seed: int) -> list[Job]:
    # A byte-level tokenizer has a token for each byte.
    plain = {"bytes_a_token": 1} if settings.shape else {}
    return jobs(
        list(lengths),
        seed,
        pictures=model.sees,
        prompt_tokens=settings.prompt_tokens,
        **plain,
    )


async def _run_mode(
    engine: LocalEngine,
    model: LoadedModel,
    into: Measured,
    settings: Settings,
    answers: int,
    number: int,
) -> None:
    seed = settings.seed + 1000 * (number + 1) + MODES.index(into.mode)
    shortest, mean, longest = settings.lengths
    asked = _jobs(settings, model, answer_lengths(answers, seed, shortest, mean, longest), seed)
    for job in asked:
        prompt = await engine.prepare(job.turns)
        into.tasks.append(task_of(model, prompt, job.answer))
    before = forget_peak(model.device)
    await _answer(engine, model, into, asked)
    most = peak_bytes(model.device)
    if into.mode != ENGINE and before:
        # The engine's cache stands by meanwhile; a script without an engine would not have it.
        most += model.weight_bytes - before
    into.peak_bytes = max(into.peak_bytes, most)


async def _answer(
    engine: LocalEngine, model: LoadedModel, into: Measured, asked: Sequence[Job]
) -> None:
    if into.mode == ENGINE:
        await by_engine(engine, asked, into)
    else:
        await by_generate(engine, model, asked, into)


def _peak(settings: Settings, facts: Facts, notes: list[str]) -> Peak | None:
    """What the machine can do at most: as told, as published, or as measured."""
    found = processor_peak() if facts.device == "cpu" else peak_of(facts.card)
    given = (settings.bandwidth_gb_s, settings.tflops)
    if all(given) or (found is not None and any(given)):
        known = found or Peak(0, 0, "")
        bandwidth, tflops = given[0] or known.bandwidth_gb_s, given[1] or known.tflops
        source = "as given" if all(given) else f"as given, the rest: {known.source}"
        return replace(known, bandwidth_gb_s=bandwidth, tflops=tflops, source=source)
    if found is None:
        notes.append(
            f"what {facts.card} can do at most is not known here, so that there are no shares: "
            "give --bandwidth (GB a second) and --tflops (dense, in the dtype that is used)"
        )
    return found
