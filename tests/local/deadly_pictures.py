"""A picture worker's work, but for pictures that crash it; small, for workers import it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from annoengine.local.chat import Pixels
from annoengine.local.pictures import PictureRule, resized_picture

KILLS_ONCE, KILLS_ALWAYS = b"kills its worker once", b"kills every worker"


def resize_or_die(data: bytes, rule: PictureRule) -> Pixels:
    """What ``resized_picture`` gives; kills its process at pictures that end so."""
    assert not {"torch", "transformers"} & set(sys.modules), "a worker needs neither"
    mark = Path(os.environ["FOLDER_OF_DEATHS"]) / "died"
    if data.endswith(KILLS_ALWAYS) or (data.endswith(KILLS_ONCE) and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return resized_picture(data, rule)
