"""The wheel carries its prompts, recipes and example photographs, and works without a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel and nothing else of the project."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_packaged_recipe_runs_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(installed)}
    where = subprocess.run(
        [sys.executable, "-c", "import annoengine; print(annoengine.__file__)"],
        cwd=tmp_path,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    assert where.stdout.startswith(str(installed))
    done = subprocess.run(
        [sys.executable, "-m", "annoengine", "run", "pix2cap", "--set", "run.workers=0"],
        cwd=tmp_path,
        env=env,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/pix2cap/export/pix2cap").is_dir()
    saved = (tmp_path / "runs/pix2cap/recipe.yaml").read_text()
    assert str(installed / "annoengine/_packaged/examples") in saved


def test_the_wheel_is_typed_and_has_nothing_of_the_tests(installed: Path) -> None:
    assert (installed / "annoengine/py.typed").is_file()
    assert sorted(p.name for p in installed.iterdir()) == [
        "annoengine",
        "annoengine-0.1.0.dist-info",
    ]
