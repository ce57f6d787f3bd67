"""``annoengine bench``: how fast a model answers on this machine, beside what it could do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from annoengine.cli.endings import interruptible

if TYPE_CHECKING:
    from annoengine.bench.measuring import Settings, Tell


@interruptible("nothing was written; the same command measures anew")
def bench(
    model: Annotated[
        str,
        typer.Argument(
            metavar="[MODEL]", help="qwen2_vl/MODEL, llama/MODEL, or openai/MODEL with --base-url."
        ),
    ] = "",
    shape: Annotated[
        str,
        typer.Option(
            "--shape",
            metavar="NAME",
            help="Random weights in a true shape instead: qwen2-vl-7b …, or tiny for a processor.",
        ),
    ] = "",
    device: Annotated[str, typer.Option(help="cuda:0, cpu; auto takes a GPU.")] = "auto",
    dtype: Annotated[str, typer.Option(help="bfloat16, float16 or float32.")] = "auto",
    slots: Annotated[int, typer.Option(min=1, help="Sequences at once, batches too.")] = 64,
    answers: Annotated[int, typer.Option(min=2, help="Answers of the engine in a round.")] = 256,
    lengths: Annotated[
        str, typer.Option(metavar="A,B,C", help="Tokens of an answer: least, mean, most.")
    ] = "64,256,768",
    prompt_tokens: Annotated[int, typer.Option(min=1, help="Tokens of a prompt's text.")] = 300,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds in which the modes alternate.")] = 3,
    minutes: Annotated[
        float, typer.Option(min=0.05, help="No new round that would end later.")
    ] = 8.0,
    mode: Annotated[
        list[str] | None,
        typer.Option("--mode", metavar="MODE", help="one, static, engine; all by default."),
    ] = None,
    max_pixels: Annotated[
        int | None, typer.Option(help="Larger pictures are shrunk to so many pixels.")
    ] = None,
    attention: Annotated[str, typer.Option(help="sdpa or flash_attention_2.")] = "sdpa",
    cuda_graphs: Annotated[
        bool, typer.Option("--cuda-graphs/--no-cuda-graphs", help="On a GPU.")
    ] = True,
    bandwidth: Annotated[
        float | None, typer.Option(help="GB a second that the card reads at most.")
    ] = None,
    tflops: Annotated[
        float | None, typer.Option(help="10¹² operations a second that it does at most.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Processes that prepare pictures; 0 is a thread of this one."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of pictures, lengths and random weights.")] = 0,
    base_url: Annotated[
        str, typer.Option(metavar="URL", help="The address of a server, up to and with /v1.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """Measure images and tokens a second, first tokens, memory, and the share of the possible.

    One at a time, in static batches and by the engine, in turn. With --shape no weights are needed.
    """
    from annoengine.bench.measuring import Settings
    from annoengine.errors import RecipeError, SettingError

    if bool(model) == bool(shape):
        raise RecipeError(
            "bench measures a MODEL, or random weights in a --shape: name one of the two"
        )
    if bool(base_url) != model.startswith("openai/"):
        raise RecipeError("--base-url goes with openai/MODEL, and openai/MODEL with --base-url")
    try:
        settings = Settings(
            model=model,
            shape=shape,
            device=device,
            dtype=dtype,
            slots=slots,
            answers=answers,
            lengths=_lengths(lengths),
            prompt_tokens=prompt_tokens,
            rounds=rounds,
            minutes=minutes,
            seed=seed,
            modes=_modes(mode),
            max_pixels=max_pixels,
            attention=attention,
            graphs=cuda_graphs,
            bandwidth_gb_s=bandwidth,
            tflops=tflops,
            workers=workers,
        )
    except ValueError as error:
        raise SettingError(str(error)) from None
    tell = _telling()
    if base_url:
        _server(model, base_url, settings, tell, json)
    else:
        _local(settings, tell, json)


def _local(settings: Settings, tell: Tell, json: bool) -> None:
    import asyncio

    from annoengine.bench.measuring import check_machine, measure
    from annoengine.bench.report import as_json, print_report
    from annoengine.progress import make_console

    machine = check_machine(settings)
    found = asyncio.run(measure(settings, machine, tell))
    if json:
        _echo(as_json(found))
    else:
        print_report(make_console(), found)


def _server(model: str, base_url: str, settings: Settings, tell: Tell, json: bool) -> None:
    import asyncio
    from dataclasses import asdict

    from annoengine.bench.server import measure_server

    found = asyncio.run(measure_server(model, base_url, settings, True, tell))
    if json:
        _echo({"model": model, "base_url": base_url, "modes": [asdict(each) for each in found]})
        return
    for each in found:
        failed = f", {len(each.failed)} failed ({each.failed[0]})" if each.failed else ""
        typer.echo(
            f"{model}, {each.at_once} at once: {each.answers / each.wall_s:.3g} images/s, "
            f"{each.output_tokens / each.wall_s:,.0f} tokens/s, {each.answers} answers{failed}"
        )


def _echo(data: object) -> None:
    import orjson

    typer.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())


def _telling() -> Tell:
    """What is going on, on stderr: the figures on stdout stay alone."""
    return lambda words: typer.echo(f"  {words}", err=True)


def _lengths(text: str) -> tuple[int, float, int]:
    from annoengine.errors import SettingError

    try:
        least, mean, most = (int(part) for part in text.split(","))
    except ValueError:
        raise SettingError(f"--lengths {text!r}: three numbers, as 64,256,768") from None
    if not 1 < least < mean < (least + most) / 2:
        raise SettingError(
            f"--lengths {text!r}: the least is 2, and the mean lies between it and the middle"
        )
    return least, mean, most


def _modes(names: list[str] | None) -> tuple[str, ...]:
    from annoengine.bench.modes import ENGINE, ONE, STATIC
    from annoengine.errors import RecipeError
    from annoengine.registry import did_you_mean

    known = {"one": ONE, "static": STATIC, "engine": ENGINE}
    for name in names or ():
        if name not in known:
            raise RecipeError(f"there is no mode {name!r}.{did_you_mean(name, known)}")
    return tuple(mode for name, mode in known.items() if not names or name in names)
