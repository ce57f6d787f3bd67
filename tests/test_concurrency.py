"""How many calls may be in flight, worked by hand."""

from __future__ import annotations

import pytest

from annoengine.concurrency import Concurrency, Flight


def fill(concurrency: Concurrency, now: float) -> list[Flight]:
    """Sends as many calls as are allowed now."""
    flights = []
    while concurrency.in_flight < concurrency.allowed:
        flight = Flight(again=False)
        concurrency.begin(flight, now)
        flights.append(flight)
    return flights


def rounds(concurrency: Concurrency, n: int, answer_s: float = 0.05) -> list[int]:
    """What is allowed after each of so many rounds in which all calls are answered."""
    allowed = []
    flights = fill(concurrency, 0.0)
    for number in range(1, n + 1):
        now = number * answer_s
        sent: list[Flight] = []
        for flight in flights:
            concurrency.answered(flight, now)
            concurrency.end(flight)
            sent += fill(concurrency, now)
        flights = sent
        allowed.append(concurrency.allowed)
    return allowed


class TestSlowStart:
    def test_begins_with_twelve_or_with_the_window(self) -> None:
        assert Concurrency(64).allowed == 12
        assert Concurrency(8).allowed == 8
        assert Concurrency(64, first=64).allowed == 64
        assert Concurrency(0).allowed == 1

    def test_then_it_is_a_share_of_those_that_went_through(self) -> None:
        """0.45 of 26 answers are 11.7; from the 27th on each adds 0.45 to twelve.

        So after 12, 24, 36, 52, 75 and 109 answers: 12 + 0.45 * 10 is 16, 12 + 0.45 * 26 is 23 …
        """
        assert rounds(Concurrency(1000), 6) == [12, 12, 16, 23, 34, 49]

    def test_no_more_than_the_window(self) -> None:
        assert rounds(Concurrency(40), 10)[-1] == 40

    def test_it_grows_only_while_all_of_it_is_used(self) -> None:
        concurrency = Concurrency(64)
        for number in range(500):
            flight = Flight(again=False)
            concurrency.begin(flight, number)
            concurrency.answered(flight, number)
            concurrency.end(flight)
        assert concurrency.allowed == 12

    def test_calls_in_flight_for_half_a_second_take_no_place(self) -> None:
        concurrency = Concurrency(64)
        first = fill(concurrency, 0.0)
        assert concurrency.ages_in_s(0.0) == 0.5
        assert concurrency.age(0.49) == 0
        assert concurrency.allowed == 12
        assert concurrency.age(0.5) == 1  # in turn, a twelfth of half a second each
        assert concurrency.ages_in_s(0.5) == pytest.approx(0.5 / 12)
        for step in range(1, 12):
            concurrency.age(0.5 + step * 0.045)
        assert concurrency.allowed == 24
        fill(concurrency, 1.0)
        assert concurrency.in_flight == 24
        for flight in first:
            concurrency.answered(flight, 1.2)
            concurrency.end(flight)
        assert (concurrency.in_flight, concurrency.allowed) == (12, 12)

    def test_a_call_that_aged_may_be_refused_all_the_same(self) -> None:
        concurrency = Concurrency(64)
        flights = fill(concurrency, 0.0)
        for step in range(12):
            concurrency.age(0.5 + step * 0.045)
        assert concurrency.allowed == 24
        concurrency.refused(flights[0], 3.0, None)
        assert concurrency.allowed == 12  # half of 24, and the slow start is over
        assert concurrency.ages_in_s(3.0) == float("inf")


class TestTrouble:
    def test_a_refusal_leaves_half_where_nothing_is_known_of_the_rate(self) -> None:
        concurrency = Concurrency(64)
        flight = fill(concurrency, 0.0)[0]
        concurrency.refused(flight, 0.1, None)
        assert concurrency.allowed == 6

    def test_and_what_the_rate_needs_where_it_is_known(self) -> None:
        """Answers of 2 s at 5 a second are ten in flight."""
        concurrency = Concurrency(64)
        flights = fill(concurrency, 0.0)
        concurrency.answered(flights[0], 2.0)
        concurrency.end(flights[0])
        concurrency.refused(flights[1], 2.0, 5.0)
        assert concurrency.allowed == 10
        later = Flight(again=False)
        concurrency.begin(later, 2.1)
        concurrency.refused(later, 2.2, 1.0)
        assert concurrency.allowed == 7

    def test_one_burst_cuts_once(self) -> None:
        concurrency = Concurrency(64)
        flights = fill(concurrency, 0.0)
        for flight in flights:
            concurrency.refused(flight, 0.1, None)
        assert concurrency.allowed == 6
        for flight in flights:
            concurrency.end(flight)
        for flight in fill(concurrency, 0.2):
            concurrency.refused(flight, 0.3, None)
        assert concurrency.allowed == 3

    def test_it_is_never_less_than_one(self) -> None:
        concurrency = Concurrency(64)
        for number in range(20):
            flight = Flight(again=False)
            concurrency.begin(flight, number)
            concurrency.refused(flight, number, None)
            concurrency.end(flight)
        assert concurrency.allowed == 1

    def test_then_it_rises_by_four_in_the_time_of_an_answer_after_two_seconds(self) -> None:
        concurrency = Concurrency(64)
        flights = fill(concurrency, 0.0)
        concurrency.refused(flights[0], 0.0, None)
        for flight in flights:
            concurrency.end(flight)
        flights = fill(concurrency, 0.1)
        for flight in flights:
            concurrency.answered(flight, 1.9)
        assert concurrency.allowed == 6
        for flight in flights:
            concurrency.answered(flight, 2.0)
        # 6 + 4/6 + 4/6.67 …, as long as six in flight are all of it
        assert concurrency.allowed == 7

    def test_calls_that_break_one_by_one_change_nothing(self) -> None:
        concurrency = Concurrency(64)
        for number in range(400):
            flight = Flight(again=False)
            concurrency.begin(flight, number)
            if number % 5:
                concurrency.answered(flight, number)
            else:
                concurrency.congested(flight, number)
            concurrency.end(flight)
        assert concurrency.allowed == 12

    def test_five_that_break_in_a_row_cut_once(self) -> None:
        concurrency = Concurrency(64)
        flights = fill(concurrency, 0.0)
        for flight in flights[:4]:
            concurrency.congested(flight, 0.1)
        assert concurrency.allowed == 12
        for flight in flights[4:]:
            concurrency.congested(flight, 0.1)
        assert concurrency.allowed == 8  # 0.7 of 12

    def test_however_many_break_four_are_left(self) -> None:
        concurrency = Concurrency(64)
        for number in range(200):
            flight = Flight(again=False)
            concurrency.begin(flight, number)
            concurrency.congested(flight, number)
            concurrency.end(flight)
        assert concurrency.allowed == 4
        narrow = Concurrency(2)
        for number in range(200):
            flight = Flight(again=False)
            narrow.begin(flight, number)
            narrow.congested(flight, number)
            narrow.end(flight)
        assert narrow.allowed == 2

    def test_what_breaks_again_may_be_the_call_s_own_fault(self) -> None:
        concurrency = Concurrency(64)
        for number in range(50):
            flight = Flight(again=True)
            concurrency.begin(flight, number)
            concurrency.congested(flight, number)
            concurrency.end(flight)
        assert concurrency.allowed == 12


def test_another_window_from_now_on() -> None:
    concurrency = Concurrency(64, first=64)
    concurrency.change(16)
    assert concurrency.allowed == 16
    concurrency.change(64)
    assert concurrency.allowed == 16  # it has to be learned anew
    concurrency.change(0)
    assert concurrency.allowed == 1
