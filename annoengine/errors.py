"""Every error annoengine raises on purpose, and the exit code each one ends a run with.

::

    AnnoengineError
    ├── UserError                 a mistake the user can mend; one sentence, exit 2
    │   ├── RecipeError           the recipe: file, line, key
    │   ├── InputError            a file the run reads: file, line, record
    │   ├── SettingError          an environment setting, key or extra that is missing
    │   └── WorkspaceError        the run's folder: locked, changed, unreadable
    ├── RunStopped                the run ends early and can be resumed
    │   ├── TooManyFailures       more failed records than the recipe allows, exit 3
    │   ├── ProviderUnusable      a model refuses every call (bad key, no quota), exit 3
    │   ├── BudgetReached         the next call could pass the run's budget, exit 4
    │   ├── PeopleAwaited         records wait until people have reviewed them, exit 5
    │   └── Interrupted           Ctrl-C, exit 130
    ├── RecordFailed              one record is set aside, counted, and can be retried
    ├── Drop                      one record leaves the run on purpose, with a reason
    └── Waiting                   a record waits for an answer that a later wave brings
"""

from __future__ import annotations


class AnnoengineError(Exception):
    """The root of the tree above."""


class UserError(AnnoengineError):
    """Something the user can mend. Its text says what is wrong, where, and what to do."""

    exit_code = 2


class RecipeError(UserError):
    """A recipe that cannot be carried out as it is written."""


class InputError(UserError):
    """An input file that cannot be read, or whose content contradicts itself."""


class SettingError(UserError):
    """A key, an extra package or an environment setting that is missing."""


class WorkspaceError(UserError):
    """A run's folder that is locked, changed or not writable."""


class RunStopped(AnnoengineError):
    """The run ends before its plan is done; the same command resumes it."""

    exit_code = 3


class TooManyFailures(RunStopped):
    """More records failed than the recipe's ceiling allows."""


class ProviderUnusable(RunStopped):
    """A provider refuses every call, so that asking on would only waste records."""


class BudgetReached(RunStopped):
    """The next call could cost more than the run's budget has left."""

    exit_code = 4


class PeopleAwaited(RunStopped):
    """All that can be done is done; the rest waits for people's corrections."""

    exit_code = 5


class Interrupted(RunStopped):
    """The person at the keyboard, or the machine's scheduler, asked the run to stop."""

    exit_code = 130


class RecordFailed(AnnoengineError):
    """One record cannot go on.

    ``reason`` is a short slug that the account counts by (``unmatched``, ``refusal``,
    ``image``); ``detail`` says what happened; ``turns`` names the turns whose journalled
    answers led here, so that a retry asks them again.
    """

    def __init__(self, reason: str, detail: str = "", turns: tuple[str, ...] = ()) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.turns = turns


class Drop(AnnoengineError):
    """One record leaves the run on purpose (a filter said no). Not a failure."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class Waiting(AnnoengineError):
    """The answer was put into the outbox of a batch provider and is not there yet."""
