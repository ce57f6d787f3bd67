"""The questions of instruction data: prompts without variables, drawn for each image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from annoengine.errors import RecipeError
from annoengine.prompt import Prompt


def load_questions(
    exporter: str, names: Sequence[str], prompt: Callable[[str], Prompt]
) -> list[Prompt]:
    """The prompts of these names, loaded by ``prompt``.

    Raises RecipeError for one that is not there, has variables, or says where the picture goes,
    which is the exporter's to say.
    """
    if not names:
        raise RecipeError(f"the export {exporter!r} needs a question at least")
    loaded = [prompt(name) for name in names]
    for question in loaded:
        if question.head.variables:
            raise RecipeError(
                f"the export {exporter!r}: the prompt {question.name} has the variables "
                f"{', '.join(question.head.variables)}; a question has none"
            )
        if "<image>" in question.body:
            raise RecipeError(
                f"the export {exporter!r}: the prompt {question.name} has '<image>' in it, which "
                "the export writes itself"
            )
    return loaded
