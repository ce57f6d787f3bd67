"""Versioned prompt files: front matter, a body, and variables that must all be filled.

A file ``prompts/pix2cap/prompt1.v1.md`` is the prompt ``pix2cap/prompt1.v1``. It opens with YAML
between two ``---`` lines (``about``, ``source``, ``variables``, ``answer``) and goes on with the
text; ``{{name}}`` stands for a variable. A prompt is never edited once it was used: its hash is
in the key of every call and in the fingerprint of every stage that draws from it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from annoengine.errors import RecipeError
from annoengine.fingerprint import seeded_random, sha256_hex
from annoengine.registry import did_you_mean

PACKAGED = Path(__file__).parent / "_packaged"
"""Where a wheel carries prompts/, recipes/ and the example photographs."""

_VARIABLE = re.compile(r"\{\{\s*([a-z_][a-z0-9_]*)\s*\}\}")


class PromptHead(BaseModel):
    """The front matter of a prompt file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    about: str
    source: str
    variables: tuple[str, ...] = ()
    answer: str | None = None


@dataclass(frozen=True)
class Prompt:
    """A prompt's text and what it says of itself. ``name`` carries its version."""

    name: str
    head: PromptHead
    body: str
    sha256: str
    text: str
    """The whole file, front matter included."""

    def fill(self, **values: str) -> str:
        """The text with each ``{{variable}}`` replaced; values are never expanded again.

        Raises RecipeError that names what is missing or unknown.
        """
        missing = [name for name in self.head.variables if name not in values]
        unknown = sorted(values.keys() - set(self.head.variables))
        if missing or unknown:
            wrong = "; ".join(
                [f"{name!r} is not filled" for name in missing]
                + [f"{name!r} is no variable of it" for name in unknown]
            )
            raise RecipeError(f"the prompt {self.name}: {wrong}")
        return _VARIABLE.sub(lambda match: values[match.group(1)], self.body)

    def check_fits(self, stage: str, known: Collection[str], answer: str | None) -> None:
        """Can a stage use it: does it fill every variable, and read the grammar asked for?

        ``known`` are the variables that the stage fills, ``answer`` the grammar that it reads.
        Raises RecipeError that names the stage and what does not fit.
        """
        strange = sorted(set(self.head.variables) - set(known))
        if strange:
            raise RecipeError(
                f"{stage}: the prompt {self.name} wants {', '.join(strange)}, which "
                f"this stage cannot fill; it knows {', '.join(sorted(known))}"
            )
        if self.head.answer not in (None, answer):
            raise RecipeError(
                f"{stage}: the prompt {self.name} asks for an answer in the grammar "
                f"{self.head.answer!r}, and the stage reads {answer or 'plain text'!r}"
            )


def parse_prompt(name: str, text: str) -> Prompt:
    """A prompt from the text of its file. Raises RecipeError with the prompt's name."""
    match = re.match(r"---\n(.*?)\n---\n(.*)\Z", text, re.DOTALL)
    if match is None:
        raise RecipeError(f"the prompt {name} has no front matter between two '---' lines")
    try:
        head = PromptHead.model_validate(yaml.safe_load(match.group(1)) or {})
    except (yaml.YAMLError, ValidationError) as error:
        raise RecipeError(f"the front matter of the prompt {name} is wrong: {error}") from None
    body = match.group(2).strip("\n")
    used = set(_VARIABLE.findall(body))
    if used != set(head.variables):
        only_used = ", ".join(sorted(used - set(head.variables)))
        only_listed = ", ".join(sorted(set(head.variables) - used))
        raise RecipeError(
            f"the prompt {name} lists other variables than it uses:"
            + (f" {only_used} is used and not listed" if only_used else "")
            + (f" {only_listed} is listed and not used" if only_listed else "")
        )
    return Prompt(name, head, body, sha256_hex(text.encode()), text)


def prompt_folders(beside: Path | None) -> list[Path]:
    """Where prompts are looked for, first to last: around the recipe, then the packaged copy."""
    folders = []
    if beside is not None:
        folders += [beside / "prompts", beside.parent / "prompts"]
    folders += [PACKAGED / "prompts", Path(__file__).parent.parent / "prompts"]
    return [folder for folder in folders if folder.is_dir()]


def load_prompt(name: str, beside: Path | None = None) -> Prompt:
    """The prompt of this name; ``beside`` is the recipe's folder.

    Raises RecipeError: "no prompt called …. Did you mean …?"
    """
    folders = prompt_folders(beside)
    for folder in folders:
        path = folder / f"{name}.md"
        if path.is_file() and folder.resolve() in path.resolve().parents:
            return parse_prompt(name, path.read_text(encoding="utf-8"))
    known = {
        path.relative_to(folder).with_suffix("").as_posix()
        for folder in folders
        for path in folder.rglob("*.md")
    }
    raise RecipeError(f"no prompt called {name!r}.{did_you_mean(name, known)}")


def draw(prompts: Sequence[Prompt], seed: int, record_id: str, stage: str) -> Prompt:
    """The prompt of a record: even odds, from the run's seed and the record's id alone."""
    ordered = sorted(prompts, key=lambda prompt: prompt.name)
    return ordered[seeded_random(seed, stage, "prompt", record_id).randrange(len(ordered))]


def prompt_hashes(prompts: Mapping[str, Prompt] | Sequence[Prompt]) -> dict[str, str]:
    """Name to sha256, for a fingerprint."""
    listed = prompts.values() if isinstance(prompts, Mapping) else prompts
    return {prompt.name: prompt.sha256 for prompt in listed}
