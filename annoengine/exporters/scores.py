"""Writes what a metric finds: a line an image, and the table.

- ``scores.jsonl``: what the metric says of each image, in input order.
- ``result.json``: the means (``rows``), what was counted (``counts``, in words ``notes``), and
  by whom it was made (``by``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import orjson

from annoengine import registry
from annoengine.exporter import Exported, Exporter, RunView
from annoengine.metric import Metric
from annoengine.prompt import Prompt, load_prompt
from annoengine.record import Record
from annoengine.stage import Parameters
from annoengine.writing.json_stream import JsonLines

SCORES, RESULT = "scores.jsonl", "result.json"


class ScoresParameters(Parameters):
    """Which metric."""

    metric: str = "pancapscore"
    """The metric's name."""


class Scores(Exporter):
    """The scores of each image, and the metric over all of them."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"scores"})
    Parameters: ClassVar[type[Parameters]] = ScoresParameters
    parameters: ScoresParameters

    def __init__(
        self, parameters: ScoresParameters, prompt: Callable[[str], Prompt] = load_prompt
    ) -> None:
        """Raises RecipeError for a metric that is not there."""
        super().__init__(parameters, prompt)
        found = registry.find("metric", parameters.metric)
        self.metric: Metric = found(found.Parameters())

    def export(self, run: RunView, folder: Path) -> Exported:
        """Writes both files in one pass over the records."""
        with JsonLines(folder / SCORES) as lines:

            def told(records: Iterator[Record]) -> Iterator[Record]:
                for record in records:
                    line: dict[str, Any] | None = self.metric.line(record)
                    if line is not None:
                        lines.add(line)
                    yield record

            measured = self.metric.measure(told(run.records()))
        result = {"metric": self.parameters.metric, **measured.as_json()}
        data = orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        (folder / RESULT).write_bytes(data)
        return Exported(folder, dict(measured.counts), [*measured.notes, *measured.by])
