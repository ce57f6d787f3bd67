"""How fast calls may go: rates that are known, and the rate that a server's refusals teach.

A measure of a rate is a bound from below that holds whatever happened in between: pauses and idle
times make no server look slower than it is. The price is that a server that saves up much more
than a second's worth looks faster at first; its next refusals correct that.
"""

from __future__ import annotations

import math
from collections import deque

_SAVED_S = 1.0
"""What a server is taken to save up while nothing is sent, in seconds' worth of its rate. A limit
of 60 a minute may be enforced as one a second: help.openai.com, article 5955604, seen 2026-11."""

_BURST_S = 0.2
"""What a rate here lets through at once, in seconds' worth: well under what servers save up."""

_BELOW = 0.97
"""The pace, as a share of the rate that was measured."""

_LEAST_CUT = 0.95
_MOST_CUT = 0.7
"""A refusal leaves at most and at least these shares of the pace."""

_LEAST_MEASURED = 8
"""Fewer calls between two refusals measure no rate."""

_MEMORY = 2048
"""Calls whose times are kept."""

_PROBE = 0.02
"""What the first probe adds to the pace; each next one, unrefused, adds twice as much."""

_PROBE_S = 2.0
_LONGEST_PROBE_S = 300.0
_PROBE_LESS = 4.0
"""Seconds between two probes: the first, the longest, and how much longer they get each time that
a measure confirms the last one. A limit that stands is tried ever less often."""

_CONFIRMED = 0.1
"""Two measures that differ by no larger share confirm each other."""

_SLOWEST = 1 / 60
"""No pace is lower, in calls a second."""

_SAFE = 1.1
"""A pace is safe up to this share of the last measure: a probe or two."""

_KEPT_UP = 0.7
"""The server keeps up with a pace if it lets this share of it through."""

_SOME = 2
_FEW = 3
_FEW_SHARE = 0.15
"""Refusals are few up to so many, and this share of the calls that went through."""


class Bucket:
    """A rate: what is taken from it flows back at so much a second, up to a brim."""

    def __init__(self, per_s: float, now: float) -> None:
        self.per_s = per_s
        self.level = self.brim
        self._at = now

    @property
    def brim(self) -> float:
        """The most that can be taken at once."""
        return max(1.0, self.per_s * _BURST_S)

    def _flow(self, now: float) -> None:
        if now > self._at:
            self.level = min(self.brim, self.level + (now - self._at) * self.per_s)
            self._at = now

    def wait_s(self, amount: float, now: float) -> float:
        """How long until so much can be taken; more than the brim goes from a full bucket.

        >>> bucket = Bucket(per_s=10, now=0)
        >>> bucket.take(5, now=0)
        >>> bucket.level, bucket.wait_s(1, now=0), bucket.wait_s(99, now=0)
        (-3.0, 0.4, 0.5)
        """
        self._flow(now)
        missing = min(amount, self.brim) - self.level
        # What rounding leaves a hair under the brim would be waited for again and again.
        return missing / self.per_s if missing > 1e-9 * self.brim else 0.0

    def take(self, amount: float, now: float) -> None:
        """Takes it, also into debt: what comes later waits for that."""
        self._flow(now)
        self.level -= amount

    def give(self, amount: float, now: float) -> None:
        """Gives back what was not used, or takes (``amount`` < 0) what was used on top."""
        self._flow(now)
        self.level = min(self.brim, self.level + amount)

    def drain(self, now: float) -> None:
        """Leaves nothing to be taken at once."""
        self._flow(now)
        self.level = min(self.level, 0.0)

    def change(self, per_s: float, now: float) -> None:
        """Another rate from now on."""
        self._flow(now)
        self.per_s = per_s
        self.level = min(self.level, self.brim)


class Pace:
    """The rate that refusals taught, in calls a second; ``per_s`` is None before the first.

    A server that saves up a second's worth has let ``n`` calls through in the last ``t`` seconds
    only if its rate is ``n / (t + 1)`` or more; where it refuses, the largest of these is its
    rate. Since its last refusal, when it had nothing left, that is ``n / t``.
    """

    def __init__(self) -> None:
        self.per_s: float | None = None
        self.used = False
        """Did it hold a call back since the last probe?"""
        self._open = _Period(None)
        self._closed: _Period | None = None
        self._proven = 0
        self._rate: float | None = None
        self._stood: float | None = None
        self._before: tuple[float | None, float | None, float | None] = (None, None, None)
        self._probe = _PROBE
        self._probe_s = _PROBE_S
        self._probed_at = -math.inf

    def sent(self, now: float) -> None:
        """A call goes out."""
        self._open.add(now)

    def unsent(self, sent_at: float) -> None:
        """A call did not go out after all, or was refused and says nothing of the rate."""
        self._open.remove(sent_at)

    def proven(self, n: int) -> None:
        """So many more calls were surely let through."""
        self._proven += n

    def refused(self, sent_at: float, now: float) -> bool:
        """A call that went out since the last measure was refused: measures anew.

        False where the pace is not what such calls are refused for, as far as is known.
        """
        self._open.remove(sent_at)
        if self._open.n < _LEAST_MEASURED or (
            self._rate is None and self._proven < _LEAST_MEASURED
        ):
            return True  # It goes on counting.
        if self._is_safe(now) and self._open.set_aside(now):
            return False
        rate = self._open.rate(now)
        self._before = (self.per_s, self._rate, self._stood)
        if self._rate is not None and abs(rate / self._rate - 1) <= _CONFIRMED:
            self._probe_s = min(_LONGEST_PROBE_S, _PROBE_LESS * self._probe_s)
            self._stood = None
        else:
            self._probe_s = _PROBE_S
        self._probe, self._probed_at, self.used = _PROBE, now, False
        self._closed, self._open = self._open, _Period(now)
        self._closed.until = now
        self._learn(self._closed, self._stood)
        self._stood = None
        return True

    def _is_safe(self, now: float) -> bool:
        """Is the pace one that the last measure allows, and has the server kept up with it?"""
        if self.per_s is None or self._rate is None:
            return False
        if self._open.aside >= _SOME:
            return True
        return self.per_s <= min(_SAFE * self._rate, self._open.last_rate(now) / _KEPT_UP)

    def _learn(self, period: _Period, stood: float | None) -> None:
        before = self._before[0]
        self._rate = period.rate(period.until)
        pace = self._rate * _BELOW
        if before is not None:
            if stood is not None:
                pace = max(pace, min(stood, before * _MOST_CUT))
            pace = min(pace, before * _LEAST_CUT)
        self.per_s = max(_SLOWEST, pace)

    def refused_too(self, sent_at: float) -> None:
        """One of the calls that the last measure took for let through was refused."""
        if self._open.remove(sent_at) or self._closed is None:
            return
        if not self._closed.remove(sent_at):
            return
        if self._closed.n >= _LEAST_MEASURED:
            self._learn(self._closed, self._before[2])
            return
        # It measured nothing after all.
        self.per_s, self._rate, self._stood = self._before
        self._closed.join(self._open)
        self._open, self._closed = self._closed, None

    def answered(self, now: float) -> bool:
        """A call was answered. Does the pace rise?"""
        if self.per_s is None:
            return False
        if not self.used or now - self._probed_at < self._probe_s:
            return False
        self._probed_at, self.used = now, False
        self._stood = self.per_s
        self.per_s *= 1 + self._probe
        self._probe = min(1.0, 2 * self._probe)
        return True

    def try_again(self) -> None:
        """The limits may have changed: probes come soon again."""
        self._probe_s = _PROBE_S


class _Period:
    """Calls that went out ``since`` a measure (None: ever) ``until`` the next, and went through."""

    def __init__(self, since: float | None) -> None:
        self.until = math.inf
        self.n = 0
        self._since = since
        self.aside = 0
        self._n_before = 0
        self._last = (0, -math.inf if since is None else since)
        self._times: deque[float] = deque(maxlen=_MEMORY)

    def add(self, sent_at: float) -> None:
        """One more."""
        self._times.append(sent_at)
        self.n += 1

    def remove(self, sent_at: float) -> bool:
        """One fewer, if it is one of these."""
        if sent_at not in self._times:
            return False
        self._times.remove(sent_at)
        self.n -= 1
        return True

    def set_aside(self, now: float) -> bool:
        """One more was refused for no reason that is known. Are these few?"""
        if not self.aside:
            self._n_before = self.n
        self.aside += 1
        self._last = (self.n, now)
        return self.aside <= _FEW + _FEW_SHARE * (self.n - self._n_before)

    def last_rate(self, now: float) -> float:
        """Calls a second since the last refusal."""
        n, at = self._last
        return (self.n - n) / max(now - at, 1e-9)

    def join(self, later: _Period) -> None:
        """The calls of the next period too."""
        self._times.extend(later._times)
        self.n += later.n

    def rate(self, now: float) -> float:
        """The server's rate, in calls a second, if it refused a call at ``now``."""
        rates = [n / (now - time + _SAVED_S) for n, time in enumerate(reversed(self._times), 1)]
        if self._since is not None and now > self._since:
            rates.append(self.n / (now - self._since))
        return max(rates)
