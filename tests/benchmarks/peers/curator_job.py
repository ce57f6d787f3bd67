"""The job in bespokelabs-curator; run by its path, in curator's own environment.

As its documentation has it: an LLM with a prompt of a text and an image, over a dataset of paths.
Its limits a minute are set so high that they hold nothing back.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any


def main() -> None:
    """Carries the job out and prints what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--job", type=Path, required=True, help="a JSONL with id, text and image")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--concurrency", type=int, required=True)
    options = parser.parse_args()
    os.environ |= {
        "TELEMETRY_ENABLED": "false",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "CURATOR_DISABLE_RICH_DISPLAY": "1",
        "CURATOR_CACHE_DIR": str(options.out),
        "HF_HUB_OFFLINE": "1",
        "OPENAI_API_KEY": "none",
    }

    import litellm  # type: ignore

    # It counts tokens with tiktoken, whose table litellm has on board; else it is downloaded.
    tokenizers = Path(litellm.__file__).parent / "litellm_core_utils" / "tokenizers"
    os.environ["TIKTOKEN_CACHE_DIR"] = str(tokenizers)
    from bespokelabs import curator  # type: ignore
    from spans import Span  # type: ignore

    class Describes(curator.LLM):  # type: ignore
        """Asks about one picture."""

        def prompt(self, input: dict[str, Any]) -> tuple[str, Any]:
            image = curator.types.Image(url=input["image"], detail="high")
            return input["text"], image

        def parse(self, input: dict[str, Any], response: str) -> dict[str, Any]:
            return {"id": input["id"], "caption": response}

    llm = Describes(
        model_name="gpt-4o",
        backend="openai",
        generation_params={"max_tokens": 1024},
        backend_params={
            "base_url": options.base_url,
            "max_concurrent_requests": options.concurrency,
            "max_requests_per_minute": 10_000_000,
            "max_tokens_per_minute": 1_000_000_000_000,
            "request_timeout": 60,
        },
    )
    records = [json.loads(line) for line in options.job.read_text().splitlines()]
    span = Span()
    made = llm(records)
    span.end()
    answers = sum(bool(row["caption"]) for row in made.dataset)
    print(span.told(answers, options.out))


if __name__ == "__main__":
    main()
