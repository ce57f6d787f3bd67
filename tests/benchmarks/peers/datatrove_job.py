"""The job in datatrove's inference runner; run by its path, in datatrove's own environment.

As its documentation has it: an endpoint server, a rollout function that makes the payload, a
local executor, a JSONL writer, and checkpoints on, so that a run that was killed can go on.
To an address on this machine it speaks through a raw socket of its own, a connection a call; to
others through the openai SDK, which takes more.
"""

from __future__ import annotations

import argparse
from base64 import b64encode
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

    from datatrove.executor import LocalPipelineExecutor  # type: ignore
    from datatrove.pipeline.inference.run_inference import (  # type: ignore
        InferenceConfig,
        InferenceRunner,
    )
    from datatrove.pipeline.readers import JsonlReader  # type: ignore
    from datatrove.pipeline.writers import JsonlWriter  # type: ignore
    from spans import Span  # type: ignore

    spans: list[Any] = []

    async def rollout(document: Any, generate: Any) -> Any:
        if not spans:
            spans.append(Span())
        image = b64encode(Path(document.metadata["image"]).read_bytes()).decode()
        parts = [
            {"type": "text", "text": document.text},
            {
                "type": "image_url",
                "image_url": {"url": f"data:image/jpeg;base64,{image}", "detail": "high"},
            },
        ]
        return await generate({"messages": [{"role": "user", "content": parts}]})

    runner = InferenceRunner(
        rollout_fn=rollout,
        config=InferenceConfig(
            server_type="endpoint",
            model_name_or_path="gpt-4o",
            endpoint_url=options.base_url.removesuffix("/v1"),
            api_key="none",
            max_concurrent_generations=options.concurrency,
            default_generation_params={"max_tokens": 1024},
        ),
        output_writer=JsonlWriter(
            str(options.out / "data"), output_filename="${rank}_chunk_${chunk_index}.jsonl"
        ),
        checkpoints_local_dir=str(options.out / "checkpoints"),
    )
    reader = JsonlReader(str(options.job.parent), glob_pattern=options.job.name)
    LocalPipelineExecutor([reader, runner], logging_dir=str(options.out / "logs")).run()
    spans[0].end()
    made = JsonlReader(str(options.out / "data"))()
    answers = sum(bool(document.metadata["rollout_results"][0]["text"]) for document in made)
    print(spans[0].told(answers, options.out))


if __name__ == "__main__":
    main()
