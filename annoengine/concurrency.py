"""How many calls may be in flight at once, learned from what becomes of them.

Slow start: as many unproven calls as would not hurt if all were refused, and later a share of
those that went through. After the first trouble: a step more at a time, a part at once less. It
grows only while all of it is used.
"""

from __future__ import annotations

import math
from collections import deque

FIRST_CONCURRENCY = 12
"""Calls in flight before anything is known: that many may be refused at once, and no matter."""

_SHARE_OF_PROVEN = 0.45
"""In the slow start no more calls are unproven than this share of those that went through: a
server that lets 100 through and then refuses has refused 45 at most before that is known."""

_PROVEN_S = 0.5
"""A call that is in flight for so long was let through: servers refuse at once, and answer late."""

_CUT = 0.7
_CUT_BLINDLY = 0.5
"""What trouble leaves; less where nothing at all is known of the rate."""

_STEP = 4.0
"""What is added in the time of one answer, after the slow start."""

_COOL_DOWN_S = 2.0
"""For so long after trouble nothing is added."""

_OFTEN = 0.25
"""Calls that break one by one are no matter of concurrency; a larger share of them is."""

_LEAST_BROKEN = 4
"""Calls in flight that breaking calls leave at least. Where a server breaks half of all calls,
whatever their number, hardly ever all of four break, so that something goes through and no hold
grows."""

_WEIGHT = 1 / 16
"""Of each new call in the mean time of answers, and in the share of calls that break."""


class Flight:
    """A call on its way."""

    __slots__ = ("again", "aged", "number", "sent_at")

    def __init__(self, again: bool) -> None:
        self.again = again
        self.number = 0
        """Which of all calls it is, as they go out; 0 for one that is not in flight."""
        self.sent_at = math.nan
        self.aged = False
        """Was it in flight for so long that it counts as let through?"""


class Concurrency:
    """``window`` is what the provider wants at most, ``first`` what it begins with."""

    def __init__(self, window: int, first: int = FIRST_CONCURRENCY) -> None:
        self.window = max(1, window)
        self.in_flight = 0
        self.sent = 0
        self._learned = float(max(1, min(first, self.window)))
        self._slow_start = self._learned < self.window
        self._unproven: deque[Flight] = deque()
        self._proven = 0
        self._aged = 0
        self._aged_at = -math.inf
        self._answer_s = 0.0
        self._broken = 0.0
        self._cut_to = 0
        self._quiet_until = -math.inf

    @property
    def allowed(self) -> int:
        """How many calls may be in flight now. In the slow start aged ones take no place."""
        return min(self.window, int(self._learned) + self._aged)

    def begin(self, flight: Flight, now: float) -> None:
        """A call goes out."""
        self.in_flight += 1
        self.sent += 1
        flight.number, flight.sent_at = self.sent, now
        if self._slow_start:
            self._unproven.append(flight)

    def end(self, flight: Flight) -> None:
        """It is no longer on its way."""
        flight.number = 0
        self.in_flight -= 1
        if flight.aged and self._slow_start:
            self._aged -= 1

    def answered(self, flight: Flight, now: float) -> None:
        """The server let it through and answered."""
        age_s = now - flight.sent_at
        if not flight.again:
            self._broken -= self._broken * _WEIGHT
        self._answer_s += (age_s - self._answer_s) * (_WEIGHT if self._answer_s else 1.0)
        full = self.in_flight >= self.allowed
        if self._slow_start:
            if not flight.aged:
                self._prove(full)
        elif full and now >= self._quiet_until:
            self._learned = min(float(self.window), self._learned + _STEP / self._learned)

    def _prove(self, full: bool) -> None:
        """A call of the slow start was let through; was the whole concurrency in use?"""
        self._proven += 1
        if full and self._proven * _SHARE_OF_PROVEN > self._learned:
            self._learned += _SHARE_OF_PROVEN
            if self._learned >= self.window:
                self._learned = float(self.window)
                self._end_slow_start()

    def age(self, now: float) -> int:
        """Takes calls that are in flight for long for let through; gives how many more."""
        before = self._proven
        full = self.in_flight >= self.allowed
        while self._unproven and (not self._unproven[0].number or self.ages_in_s(now) <= 0):
            flight = self._unproven.popleft()
            if flight.number:
                flight.aged = True
                self._aged += 1
                self._aged_at = now
                self._prove(full)
        return self._proven - before

    def ages_in_s(self, now: float) -> float:
        """How long until the next call counts as let through; infinite where none is waited for.

        Calls that went out together age in turn, lest as many others go out together for them.
        """
        if not self._unproven:
            return math.inf
        turn_at = self._aged_at + _PROVEN_S / self._learned
        return max(self._unproven[0].sent_at + _PROVEN_S, turn_at) - now

    def refused(self, flight: Flight, now: float, per_s: float | None) -> None:
        """Too many, at a server whose rate may be known: leaves what that rate needs, at least.

        Calls are paced then, and a lower concurrency would only pace them again.
        """
        if per_s is None:
            self._cut(flight, now, self.allowed * _CUT_BLINDLY)
        else:
            self._cut(flight, now, max(self.allowed * _CUT, per_s * self._answer_s))

    def congested(self, flight: Flight, now: float) -> None:
        """The server broke under the call: fewer at once, where that happens often."""
        if flight.again:
            return  # What breaks again may be the call's own fault.
        self._broken += (1 - self._broken) * _WEIGHT
        if self._broken > _OFTEN:
            self._cut(flight, now, max(self.allowed * _CUT, _LEAST_BROKEN))

    def _cut(self, flight: Flight, now: float, left: float) -> None:
        if flight.number <= self._cut_to:
            return  # It went out before the last cut, which could not help it.
        self._cut_to = self.sent
        self._quiet_until = now + _COOL_DOWN_S
        self._learned = max(1.0, min(left, float(self.allowed)))
        self._end_slow_start()

    def _end_slow_start(self) -> None:
        self._slow_start = False
        self._unproven.clear()
        self._aged = 0

    def change(self, window: int) -> None:
        """Another window from now on."""
        self.window = max(1, window)
        self._learned = min(self._learned, float(self.window))
