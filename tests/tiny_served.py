"""A tiny LLaVA with random weights, saved as the real ones are, for a server to serve.

    python tests/tiny_served.py FOLDER …

saves it there and goes on as ``transformers serve FOLDER …``: the libraries are loaded once.

It babbles: only its path through loading, chat template, pictures and generation is real. A LLaVA
and no Qwen2-VL, whose processor wants torchvision wherever a server loads it. Its tokenizer knows
the 256 bytes and its own marks, and nothing else.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

IMAGE, END, PAD = "<image>", "</s>", "<pad>"
SIDE, PATCH = 28, 14

TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: "
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% elif part['type'] == 'text' %}{{ part['text'] }}"
    "{% endif %}{% endfor %}{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def save_tiny_served(folder: Path, seed: int = 0) -> Path:
    """Saves one of 2 text and 2 vision layers; gives its folder."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    torch.set_num_threads(1)
    tokenizer = _tokenizer(transformers)
    image, end, pad = (tokenizer.convert_tokens_to_ids(mark) for mark in (IMAGE, END, PAD))
    both = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = transformers.LlavaConfig(
        text_config=transformers.LlamaConfig(
            **both,
            num_attention_heads=2,
            vocab_size=len(tokenizer),
            eos_token_id=end,
            pad_token_id=pad,
        ),
        vision_config=transformers.CLIPVisionConfig(
            **both, num_attention_heads=2, image_size=SIDE, patch_size=PATCH
        ),
        image_token_index=image,
        image_seq_length=(SIDE // PATCH) ** 2,
        vision_feature_layer=-1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.LlavaForConditionalGeneration(config)
    model.generation_config.eos_token_id = end
    model.generation_config.pad_token_id = pad
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    prepares = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": SIDE},
        "do_center_crop": True,
        "crop_size": {"height": SIDE, "width": SIDE},
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(prepares))
    joins = {
        "processor_class": "LlavaProcessor",
        "patch_size": PATCH,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
        "image_token": IMAGE,
    }
    (folder / "processor_config.json").write_text(json.dumps(joins))
    return folder


def _tokenizer(transformers: Any) -> Any:
    """Every byte is a token; the marks are tokens of their own."""
    tokenizers: Any = importlib.import_module("tokenizers")
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: n for n, letter in enumerate(letters)}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, []))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[IMAGE],
        chat_template=TEMPLATE,
    )


if __name__ == "__main__":
    save_tiny_served(Path(sys.argv[1]))
    sys.argv[:1] = ["transformers", "serve"]
    importlib.import_module("transformers.cli.transformers").app()
