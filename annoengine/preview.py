"""A few of a run's drawn pictures as plain files, for a person to look at."""

from __future__ import annotations

import itertools
from pathlib import Path

from annoengine.recipe import Recipe
from annoengine.runner import finished_records
from annoengine.shard import TarImages, shard_name
from annoengine.storage import explain_write_error
from annoengine.workspace import Workspace

_HOW_MANY = 6
"""Pictures in the preview folder."""


def write_previews(recipe: Recipe, workspace: Workspace) -> list[Path]:
    """Writes the first drawings into ``preview/``; nothing where none were kept."""
    folders = {b.name: workspace.folder(i, b.name) for i, b in enumerate(recipe.stages, start=1)}
    written: list[Path] = []
    for shard, record in itertools.islice(finished_records(recipe, workspace), _HOW_MANY):
        for drawing in record.drawings[:1]:
            key = f"{folders[drawing.image.by]}/{shard_name(shard)}.images.tar"
            tar = TarImages.open(workspace.storage, key)
            if tar is None:
                continue
            data = tar.read(drawing.image.file)
            tar.close()
            if data is not None:
                path = workspace.root / "preview" / drawing.image.file
                try:
                    path.parent.mkdir(exist_ok=True)
                    path.write_bytes(data)
                except OSError as error:
                    raise explain_write_error(path, error) from error
                written.append(path)
    return written
