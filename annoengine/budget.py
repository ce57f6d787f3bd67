"""The money of a run: what is spent, what calls in flight may still cost, and where it ends.

Each call reserves the most that it can cost before it is sent, and gives the rest back when its
price is known. A call whose reply did not arrive whole stays charged at its bound: it may have
been paid. So what is spent never passes the cap, however many calls fail, stall and are tried
again. Money is counted in whole nano-dollars: sums are exact, in any order.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from annoengine.errors import BudgetReached

NANO = 1_000_000_000
"""Nano-dollars in a dollar."""


def in_nano(usd: float) -> int:
    """Dollars as whole nano-dollars.

    >>> in_nano(0.1 + 0.2)
    300000000
    """
    return round(usd * NANO)


def in_usd(nano: int) -> float:
    """Nano-dollars as dollars, for a person or a file."""
    return nano / NANO


@dataclass
class Reservation:
    """What one call may cost at ``most``, and what it has cost (``cost``) as far as is known."""

    most: int
    cost: int = 0
    open: bool = True


class Budget:
    """What a run may spend; ``cap`` None only counts.

    ``spent`` begins with what earlier sessions of the run have spent, perhaps paid calls
    included. All amounts are nano-dollars.
    """

    def __init__(self, cap: int | None = None, spent: int = 0) -> None:
        self.cap = cap
        self.spent = spent
        self.reserved = 0
        self._waiting: list[asyncio.Future[None]] = []

    async def reserve(self, most: int) -> Reservation:
        """Puts aside what a call may cost. Raises BudgetReached where that is not there.

        While calls in flight may give something back, it waits for them.
        """
        while self.cap is not None and self.spent + self.reserved + most > self.cap:
            if not self.reserved:
                raise BudgetReached(self._reached(most))
            changed = asyncio.get_running_loop().create_future()
            self._waiting.append(changed)
            await changed
        self.reserved += most
        return Reservation(most)

    def settle(self, reservation: Reservation) -> None:
        """A call has ended: its ``cost`` is spent and the rest given back. Once only."""
        if not reservation.open:
            return
        reservation.open = False
        self.reserved -= reservation.most
        self.spent += reservation.cost
        waiting, self._waiting = self._waiting, []
        for changed in waiting:
            if not changed.done():
                changed.set_result(None)

    def _reached(self, most: int) -> str:
        assert self.cap is not None
        return (
            f"the budget of ${in_usd(self.cap):,.2f} is reached: ${in_usd(self.spent):,.4f} are "
            f"spent, and the next call may cost ${in_usd(most):,.4f}. Nothing is lost; raise "
            "budget.usd (--budget) and run the same command to go on"
        )
