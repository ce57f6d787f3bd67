"""What all tests share: examples that are the same in every run, and the COCO sample.

Property tests draw the same examples in every run; HYPOTHESIS_PROFILE=explore draws new ones.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

# The tests are what runs side by side: threads of a matrix library only fight each other. Read
# when such a library is loaded, so it is said before any is.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

settings.register_profile("same", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("explore", derandomize=False, deadline=None, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected lives to the end: no collection of garbage looks through it, ever.

    Some three million objects; a run collects all garbage once before it starts, which took as
    long as a test's whole run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="session")
def coco_sample() -> Path:
    """The folder of the two COCO val2017 images of panopticapi's sample; nobody writes there."""
    folder = os.environ.get("ANNOENGINE_COCO_SAMPLE")
    if not folder:
        pytest.skip("ANNOENGINE_COCO_SAMPLE does not name the COCO sample (make check-data)")
    return Path(folder)


@pytest.fixture(scope="session")
def _wordnet_there() -> None:
    """For tests of WordNet, which no package index delivers: skipped where it is not installed.

    Where ANNOENGINE_SKIP_NOTHING is set, as on a machine that installs it first, they fail.
    """
    from annoengine.language.wordnet import AUTO, wordnet_requirements

    (requirement,) = wordnet_requirements(AUTO)
    if requirement.met:
        return
    told = f"{requirement.what} is not installed; install it: {requirement.remedy}"
    if os.environ.get("ANNOENGINE_SKIP_NOTHING"):
        pytest.fail(told)
    pytest.skip(told)
