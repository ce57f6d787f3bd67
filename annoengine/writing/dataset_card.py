"""Writes the card of a Hugging Face dataset: what is in it, how it was made, whose it is.

The head is YAML that ``datasets`` and the hub read: where each split's files are, the columns,
the counts. What nobody knows is not there: a licence is named if the recipe gives one, or all
photographs have the same one.

Source: the dataset card specification of ``huggingface_hub`` (``datasetcard.md``) and its list of
licences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from annoengine.record import Licence, Origin, Record
from annoengine.writing.image_table import ABOUT, card_features

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_OF_CREATIVE_COMMONS = {
    "licenses/by/2.0": "cc-by-2.0",
    "licenses/by/4.0": "cc-by-4.0",
    "licenses/by-sa/3.0": "cc-by-sa-3.0",
    "licenses/by-sa/4.0": "cc-by-sa-4.0",
    "licenses/by-nc/2.0": "cc-by-nc-2.0",
    "licenses/by-nc/4.0": "cc-by-nc-4.0",
    "licenses/by-nc-sa/2.0": "cc-by-nc-sa-2.0",
    "licenses/by-nc-sa/4.0": "cc-by-nc-sa-4.0",
    "publicdomain/zero/1.0": "cc0-1.0",
}
"""What the hub calls the licences of creativecommons.org that it knows, by their address."""


@dataclass(frozen=True)
class CardSplit:
    """A split as the card tells of it."""

    name: str
    files: str
    images: int
    arrow_bytes: int
    file_bytes: int


@dataclass
class Provenance:
    """Who wrote the texts, and whose the photographs are: counted over all records."""

    licences: Counter[Licence | None] = field(default_factory=Counter)
    origins: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """By stage, model, prompt and the prompt's hash."""
    texts: int = 0

    def add(self, record: Record) -> None:
        """Counts one record."""
        self.licences[record.photo.licence] += 1
        for caption in record.captions:
            self.texts += 1
            for origin in (*caption.earlier, caption.origin):
                self.origins[_key(origin)] += 1


def _key(origin: Origin) -> tuple[str, str, str, str]:
    return origin.stage, origin.model, origin.prompt, origin.prompt_sha256


@dataclass(frozen=True)
class Card:
    """All that the card tells."""

    title: str
    recipe: str
    dataset: str
    version: int
    licence: str
    splits: Sequence[CardSplit]
    counts: Sequence[tuple[str, int]]
    provenance: Provenance

    def text(self) -> str:
        """The whole ``README.md``."""
        head = yaml.safe_dump(self._head(), sort_keys=False, allow_unicode=True, width=1000)
        parts = [
            f"# {self.title}",
            self._summary(),
            "## How it was made\n\n" + self._made(),
            "## Columns\n\n" + _table(("column", "what it holds"), list(ABOUT.items())),
            "## Licences\n\n" + self._licences(),
            "## Reading it\n\n" + self._reading(),
        ]
        return f"---\n{head}---\n\n" + "\n\n".join(parts) + "\n"

    def _head(self) -> dict[str, Any]:
        images = sum(split.images for split in self.splits)
        head: dict[str, Any] = {"pretty_name": self.title}
        head |= self._licence_head()
        head["task_categories"] = ["image-to-text", "image-segmentation", "text-to-image"]
        head["size_categories"] = [next((n for most, n in _SIZES if images < most), "n>1M")]
        if self.splits:
            head["configs"] = [
                {
                    "config_name": "default",
                    "data_files": [{"split": s.name, "path": s.files} for s in self.splits],
                }
            ]
            head["dataset_info"] = {
                "features": card_features(),
                "splits": [
                    {"name": s.name, "num_bytes": s.arrow_bytes, "num_examples": s.images}
                    for s in self.splits
                ],
                "download_size": sum(split.file_bytes for split in self.splits),
                "dataset_size": sum(split.arrow_bytes for split in self.splits),
            }
        return head

    def _licence_head(self) -> dict[str, str]:
        """The licence for the head: the recipe's word, or the one of all photographs, if known."""
        if self.licence:
            return {"license": self.licence}
        if len(self.provenance.licences) != 1:
            return {}
        (licence,) = self.provenance.licences
        if licence is None:
            return {}
        name = licence_id(licence)
        if name != "other":
            return {"license": name}
        told = {"license_name": licence.name, "license_link": licence.url}
        return {"license": name, **{key: value for key, value in told.items() if value}}

    def _summary(self) -> str:
        counted = ", ".join(f"{n:,} {name}" for name, n in self.counts if n)
        splits = ", ".join(f"{split.name} ({split.images:,})" for split in self.splits)
        return (
            f"Photographs of {self.dataset or 'no dataset'} with panoptic masks and captions: "
            f"{counted or 'nothing'}.\n\nSplits: {splits or 'none'}."
        )

    def _made(self) -> str:
        rows = [
            (stage, model, prompt, sha256[:12], f"{n:,}")
            for (stage, model, prompt, sha256), n in sorted(self.provenance.origins.items())
        ]
        words = (
            f"By the recipe `{self.recipe}` of annoengine (exporter `huggingface`, version "
            f"{self.version}). "
        )
        if not rows:
            return words + "No caption was written."
        return (
            f"{words}{self.provenance.texts:,} texts went through these stages; a text that was "
            "rewritten counts in each.\n\n"
        ) + _table(("stage", "model", "prompt", "its SHA-256", "texts"), rows)

    def _licences(self) -> str:
        ordered = sorted(
            self.provenance.licences.items(),
            key=lambda each: (each[0] is None, (each[0].id, each[0].name) if each[0] else (0, "")),
        )
        rows = [
            (
                (licence.name or f"id {licence.id}") if licence else "not known",
                licence.url if licence else "",
                f"{n:,}",
            )
            for licence, n in ordered
        ]
        stated = (
            f"The dataset is given under `{self.licence}`. "
            if self.licence
            else "Nobody stated a licence for the captions and the dataset as a whole. "
        )
        return (
            stated + "The photographs keep their own licences, as their dataset names them:\n\n"
        ) + _table(("licence", "address", "photographs"), rows)

    def _reading(self) -> str:
        first = self.splits[0].name if self.splits else "train"
        return (
            "```python\n"
            "from datasets import load_dataset\n\n"
            f'row = load_dataset("path/to/this/folder", split="{first}")[0]\n'
            'row["image"], row["mask"]  # PIL pictures\n'
            'row["caption"], [span["phrase"] for span in row["spans"]]\n'
            "```"
        )


def licence_id(licence: Licence) -> str:
    """The hub's name of a licence; "other" for one that it has no name for.

    >>> licence_id(Licence(id=1, url="http://creativecommons.org/licenses/by-nc-sa/2.0/"))
    'cc-by-nc-sa-2.0'
    """
    _, found, path = licence.url.partition("creativecommons.org/")
    return _OF_CREATIVE_COMMONS.get(path.strip("/"), "other") if found else "other"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
