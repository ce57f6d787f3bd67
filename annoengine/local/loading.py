"""Loads a model with its tokenizer, chat template and rule for pictures, or says what is missing.

AutoProcessor is not used: for these models it insists on torchvision, of which nothing here is
needed. The vision part may use flash-attn, which takes pictures of all sizes at once; the part that
writes always uses torch's own attention, whose kernel for a prompt is the same algorithm, and whose
decode step takes a mask.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from annoengine.errors import SettingError
from annoengine.local.memory import is_out_of_memory
from annoengine.local.model import SEEING, LoadedModel
from annoengine.local.options import EngineOptions
from annoengine.local.pictures import PictureRule, read_picture_rule
from annoengine.local.weights import find_model

INSTALL = "pip install 'annoengine[local]'"

_PACKAGES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "awq": (("gptqmodel", "awq"), "gptqmodel"),
    "gptq": (("gptqmodel", "auto_gptq"), "gptqmodel optimum"),
    "bitsandbytes": (("bitsandbytes",), "bitsandbytes"),
    "compressed-tensors": (("compressed_tensors",), "compressed-tensors"),
}
"""What reads quantised checkpoints: any of the modules, and the command's argument."""


def devices_of(name: str, options: EngineOptions) -> tuple[str, ...]:
    """The devices to use. Raises SettingError for one that is not there."""
    torch = _torch(name)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not options.devices:
        return tuple(f"cuda:{number}" for number in range(count)) or ("cpu",)
    for device in options.devices:
        kind, _, number = device.partition(":")
        if kind == "cuda" and int(number or 0) >= count:
            raise SettingError(
                f"{name}: there is no device {device!r}; this machine has {count} GPUs"
            )
    return tuple("cuda:0" if device == "cuda" else device for device in options.devices)


def _torch(name: str) -> Any:
    if any(importlib.util.find_spec(p) is None for p in ("torch", "transformers")):
        raise SettingError(f"{name} needs torch and transformers; install them: {INSTALL}")
    return importlib.import_module("torch")


def load_model(
    name: str,
    model: str,
    families: Sequence[str],
    device: str,
    options: EngineOptions,
    plain_template: str | None = None,
) -> LoadedModel:
    """Loads a model on one device.

    ``families``: the model types that are taken, () any causal language model. ``plain_template``
    is used where the model has no chat template. Raises SettingError, one sentence each.
    """
    torch = _torch(name)
    path = find_model(name, model)
    transformers: Any = importlib.import_module("transformers")
    source: dict[str, Any] = {}
    folder = path
    if path.is_file():
        source, folder = {"gguf_file": path.name}, path.parent
    with _told(name, device), _quiet():
        config = transformers.AutoConfig.from_pretrained(folder, **source)
    _check_type(name, config, families)
    quantised = _check_quantisation(name, config)
    seeing = config.model_type in SEEING
    rule = read_picture_rule(folder) if seeing else PictureRule()
    if rule is None:
        raise SettingError(
            f"{name}: {folder} has no preprocessor_config.json, of which it needs one"
        )
    kind = transformers.AutoModelForImageTextToText if seeing else transformers.AutoModelForCausalLM
    settings: dict[str, Any] = {
        "dtype": _dtype(torch, options.dtype, device),
        "attn_implementation": _attention(name, options.attention, seeing),
        **source,
    }
    if device != "cpu" or quantised:
        settings["device_map"] = {"": device}
    with _told(name, device), _quiet():
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **source)
        loaded = kind.from_pretrained(folder, **settings)
        if options.adapter is not None:
            loaded = _adapted(name, loaded, options.adapter, quantised)
    loaded.eval().requires_grad_(False)
    _check_layers(name, loaded)
    template = chat_template(folder, tokenizer) or plain_template
    if template is None:
        raise SettingError(
            f"{name} has no chat template (chat_template.json or .jinja, or in "
            "tokenizer_config.json): is it an instruction-tuned model?"
        )
    return LoadedModel(
        model=loaded,
        device=device,
        end_tokens=end_tokens(loaded, tokenizer),
        tokenizer=tokenizer,
        template=template,
        rule=rule.bounded(options.min_pixels, options.max_pixels),
        name=name,
    )


def end_tokens(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """Tokens that end an answer: those of the generation settings, and the tokenizer's."""
    found: set[int] = set()
    for said in (model.generation_config.eos_token_id, getattr(tokenizer, "eos_token_id", None)):
        found.update(said if isinstance(said, list | tuple) else [] if said is None else [said])
    return tuple(sorted(found))


def chat_template(folder: Path, tokenizer: Any) -> str | None:
    """The chat template: the processor's where it has one of its own, else the tokenizer's."""
    plain = folder / "chat_template.jinja"
    if plain.is_file():
        return plain.read_text(encoding="utf-8")
    file = folder / "chat_template.json"
    if file.is_file():
        found = json.loads(file.read_bytes()).get("chat_template")
        if isinstance(found, str):
            return found
    template = getattr(tokenizer, "chat_template", None)
    return template if isinstance(template, str) else None


def _check_type(name: str, config: Any, families: Sequence[str]) -> None:
    if families and config.model_type not in families:
        raise SettingError(
            f"{name} is a model of type {config.model_type!r}; this provider takes "
            f"{', '.join(families)}"
        )
    if not families and hasattr(config, "vision_config"):
        raise SettingError(
            f"{name} is a model of type {config.model_type!r}, which sees: use qwen2_vl/…"
        )


def _check_quantisation(name: str, config: Any) -> bool:
    said = getattr(config, "quantization_config", None)
    if said is None:
        return False
    method = said.get("quant_method") if isinstance(said, Mapping) else said.quant_method
    method = str(getattr(method, "value", method))
    modules, install = _PACKAGES.get(method, ((), ""))
    if modules and all(importlib.util.find_spec(module) is None for module in modules):
        raise SettingError(
            f"{name} is quantised by {method}; install what reads it: pip install {install}"
        )
    return True


def _check_layers(name: str, model: Any) -> None:
    """Slots hold keys and values of every token: layers of another kind need another cache."""
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ()) - {"full_attention"}
    if kinds or getattr(model, "_is_stateful", False):
        what = ", ".join(sorted(kinds)) or "a state of their own"
        raise SettingError(
            f"{name} has layers with {what}, which the local engine does not know: serve it with "
            "vllm/… instead"
        )


def _dtype(torch: Any, said: str, device: str) -> Any:
    if said != "auto":
        return getattr(torch, said)
    return torch.float32 if device == "cpu" else torch.bfloat16


def _attention(name: str, said: str, seeing: bool) -> Any:
    if said == "sdpa":
        return "sdpa"
    if importlib.util.find_spec("flash_attn") is None:
        raise SettingError(
            f"{name}: attention flash_attention_2 needs flash-attn; install it, or use sdpa"
        )
    return {"": "sdpa", "text_config": "sdpa", "vision_config": said} if seeing else "sdpa"


def _adapted(name: str, model: Any, adapter: str, quantised: bool) -> Any:
    """The model with a LoRA adapter. Merged, it costs nothing a token, and the sum is rounded to
    the model's numbers once; quantised weights would lose more by that, so there it stays beside
    them."""
    if importlib.util.find_spec("peft") is None:
        raise SettingError(f"{name}: adapters need peft; install it: {INSTALL}")
    path = Path(adapter).expanduser()
    if not (path / "adapter_config.json").is_file():
        raise SettingError(
            f"{name}: {adapter!r} is no folder of a LoRA adapter (adapter_config.json)"
        )
    peft: Any = importlib.import_module("peft")
    adapted = peft.PeftModel.from_pretrained(model, path)
    return adapted.get_base_model() if quantised else adapted.merge_and_unload()


@contextlib.contextmanager
def _told(name: str, device: str) -> Iterator[None]:
    """Turns what loading raises, which may be anything, into a sentence."""
    try:
        yield
    except SettingError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise SettingError(
                f"{name} does not fit into the memory of {device}; a smaller or a quantised model "
                "does, or vllm/… with several cards"
            ) from None
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SettingError(f"{name} cannot be loaded: {why[:300]}") from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the bars and remarks that loading writes over the run's own progress."""
    told: Any = importlib.import_module("transformers.utils.logging")
    level, bars = told.get_verbosity(), told.is_progress_bar_enabled()
    told.set_verbosity(logging.ERROR)
    told.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        told.set_verbosity(level)
        if bars:
            told.enable_progress_bar()
