"""Rates: what flows back into a bucket, and what refusals teach. Numbers are worked by hand."""

from __future__ import annotations

import math

import pytest

from annoengine.pace import Bucket, Pace


def send_evenly(pace: Pace, n: int, since: float, until: float) -> None:
    """So many calls, the first at once and the last at the end."""
    for number in range(n):
        pace.sent(since + (until - since) * number / max(1, n - 1))


def measured(n: int = 36, seconds: float = 0.2) -> Pace:
    """A pace whose first measure is ``n`` calls in so many seconds, refused at the end of them."""
    pace = Pace()
    send_evenly(pace, n, 0.0, seconds)
    pace.proven(n)
    pace.sent(seconds)
    assert pace.refused(seconds, seconds)
    return pace


class TestBucket:
    def test_flows_back_at_its_rate_up_to_a_fifth_of_a_second(self) -> None:
        bucket = Bucket(per_s=100, now=0)
        assert bucket.brim == 20
        bucket.take(20, now=0)
        assert bucket.wait_s(1, now=0) == pytest.approx(0.01)
        assert bucket.wait_s(1, now=0.01) == 0
        assert bucket.wait_s(20, now=0.1) == pytest.approx(0.1)
        bucket.wait_s(1, now=3600)
        assert bucket.level == 20

    def test_a_low_rate_lets_one_through_at_once(self) -> None:
        bucket = Bucket(per_s=1 / 60, now=0)
        assert bucket.wait_s(1, now=0) == 0
        bucket.take(1, now=0)
        assert bucket.wait_s(1, now=0) == 60

    def test_more_than_the_brim_needs_a_full_bucket_and_leaves_a_debt(self) -> None:
        bucket = Bucket(per_s=100, now=0)
        assert bucket.wait_s(5000, now=0) == 0
        bucket.take(5000, now=0)
        assert bucket.level == -4980
        assert bucket.wait_s(5000, now=0) == 50
        assert bucket.wait_s(1, now=0) == pytest.approx(49.81)

    def test_gives_back_no_more_than_to_the_brim(self) -> None:
        bucket = Bucket(per_s=100, now=0)
        bucket.take(5000, now=0)
        bucket.give(4990, now=0)
        assert bucket.level == 10
        bucket.give(100, now=0)
        assert bucket.level == 20
        bucket.give(-30, now=0)
        assert bucket.level == -10

    def test_a_lower_rate_lowers_what_is_in_it_and_a_higher_one_adds_nothing(self) -> None:
        bucket = Bucket(per_s=100, now=0)
        bucket.change(50, now=0)
        assert bucket.level == bucket.brim == 10
        bucket.change(1000, now=0)
        assert bucket.level == 10

    def test_a_clock_that_goes_back_takes_nothing_and_gives_nothing(self) -> None:
        bucket = Bucket(per_s=100, now=1000)
        bucket.take(20, now=1000)
        assert bucket.wait_s(1, now=900) == pytest.approx(0.01)
        assert bucket.wait_s(1, now=1000.01) == 0

    def test_one_that_was_made_before_any_clock_ran_is_full(self) -> None:
        bucket = Bucket(per_s=10, now=-math.inf)
        assert bucket.wait_s(2, now=5.0) == 0
        assert bucket.level == 2

    def test_what_rounding_leaves_is_not_waited_for(self) -> None:
        bucket = Bucket(per_s=1 / 3, now=0)
        bucket.take(1, now=0)
        now = 0.0
        while (wait_s := bucket.wait_s(1, now)) > 0:
            assert wait_s > 1e-6
            now += wait_s


class TestFirstMeasure:
    def test_a_full_bucket_held_a_second_s_worth(self) -> None:
        """36 calls in 0.2 s: the rate is 36 / 1.2 = 30 a second, the pace 3 % below."""
        assert measured().per_s == pytest.approx(29.1)

    def test_the_latest_calls_count_where_earlier_ones_were_few(self) -> None:
        """10 calls in 10 s, then 60 in 1 s: 60 / 2 = 30 says more than 70 / 12."""
        pace = Pace()
        send_evenly(pace, 10, 0.0, 10.0)
        send_evenly(pace, 60, 10.0, 11.0)
        pace.proven(70)
        pace.sent(11.0)
        pace.refused(11.0, 11.0)
        assert pace.per_s == pytest.approx(0.97 * 30, rel=0.02)

    def test_calls_of_the_same_burst_that_are_refused_too_were_not_let_through(self) -> None:
        """Of 36 calls the last six were refused as well: 30 / 1.2 = 25."""
        pace = measured()
        for _ in range(6):
            pace.refused_too(0.2)  # only one of them went out then
        assert pace.per_s == pytest.approx(0.97 * 35 / 1.2)
        for number in range(30, 35):
            pace.refused_too(0.2 * number / 35)
        assert pace.per_s == pytest.approx(0.97 * 30 / 1.2, rel=0.01)

    def test_fewer_than_eight_calls_measure_nothing(self) -> None:
        pace = Pace()
        send_evenly(pace, 7, 0.0, 0.1)
        pace.proven(7)
        pace.sent(0.1)
        assert pace.refused(0.1, 0.1)
        assert pace.per_s is None

    def test_nor_do_calls_of_which_nobody_knows_yet_whether_they_go_through(self) -> None:
        pace = Pace()
        send_evenly(pace, 20, 0.0, 0.1)
        assert pace.refused(0.1, 0.1)
        assert pace.per_s is None

    def test_a_measure_of_which_too_little_is_left_is_taken_back(self) -> None:
        """Of twelve calls five were refused: seven measure nothing, and go on counting."""
        pace = Pace()
        for number in range(12):
            pace.sent(number / 100)
        pace.proven(12)
        pace.refused(0.11, 0.11)
        assert pace.per_s is not None
        pace.sent(0.12)
        for number in range(4):
            pace.refused_too(number / 100)
        assert pace.per_s is None
        send_evenly(pace, 8, 1.0, 2.0)
        pace.sent(2.0)
        pace.refused(2.0, 2.0)
        assert pace.per_s == pytest.approx(0.97 * 16 / (2.0 - 0.04 + 1))


class TestLaterMeasures:
    def test_since_a_refusal_the_bucket_was_empty(self) -> None:
        """20 calls in the 2 s after a refusal: 10 a second, and the pace 9.7."""
        pace = measured()
        send_evenly(pace, 20, 0.3, 2.2)
        pace.sent(2.2)
        pace.refused(2.2, 2.2)
        assert pace.per_s == pytest.approx(0.97 * 10)

    @pytest.mark.parametrize("pause_s", [20.0, 89.0, 3600.0])
    def test_a_pause_makes_no_server_slow(self, pause_s: float) -> None:
        """45 calls in the 0.5 s after it: 45 / 1.5 = 30, not 45 / 89.5."""
        pace = measured(90, 0.5)
        assert pace.per_s == pytest.approx(0.97 * 60)
        send_evenly(pace, 45, 0.5 + pause_s, 1.0 + pause_s)
        pace.sent(1.0 + pause_s)
        pace.refused(1.0 + pause_s, 1.0 + pause_s)
        assert pace.per_s == pytest.approx(0.97 * 30)

    def test_a_pace_that_was_raised_falls_by_a_twentieth_at_least(self) -> None:
        pace = measured()
        for at in (2.3, 4.4, 6.5):
            pace.used = True
            pace.answered(at)
        raised = pace.per_s
        assert raised is not None
        assert raised == pytest.approx(29.1 * 1.02 * 1.04 * 1.08)
        send_evenly(pace, 2000, 0.3, 7.0)
        pace.sent(7.0)
        pace.refused(7.0, 7.0)
        assert pace.per_s == pytest.approx(0.95 * raised)

    def test_what_stood_until_the_last_probe_counts_where_the_measures_differ(self) -> None:
        """At 58 a second none of many was refused: that the time before was slow is no matter."""
        pace = measured()
        at = 0.2
        for _ in range(6):
            at += 2.1
            pace.used = True
            pace.answered(at)
        stood, raised = 29.1 * 1.02 * 1.04 * 1.08 * 1.16 * 1.32, pace.per_s
        assert raised == pytest.approx(stood * 1.64)
        send_evenly(pace, 100, 0.3, at)
        pace.sent(at)
        pace.refused(at, at)
        assert pace.per_s == pytest.approx(stood)

    def test_it_is_never_less_than_one_call_a_minute(self) -> None:
        pace = measured()
        at = 0.2
        for _ in range(12):
            send_evenly(pace, 8, at + 1e6, at + 8e6)
            at += 9e6
            pace.sent(at)
            pace.refused(at, at)
        assert pace.per_s == pytest.approx(1 / 60)


class TestProbes:
    def test_a_pace_that_is_used_rises_faster_and_faster(self) -> None:
        pace = measured()
        start = pace.per_s
        assert start is not None
        factor = 1.0
        for step, more in enumerate([1.02, 1.04, 1.08, 1.16, 1.32, 1.64, 2.0, 2.0]):
            pace.used = True
            assert not pace.answered(0.2 + 2.1 * step + 1.9)
            assert pace.answered(0.2 + 2.1 * (step + 1))
            factor *= more
            assert pace.per_s == pytest.approx(start * factor)

    def test_one_that_is_not_used_stays(self) -> None:
        pace = measured()
        assert not pace.answered(3600.0)
        assert pace.per_s == pytest.approx(29.1)

    def test_a_limit_that_is_confirmed_is_tried_a_quarter_as_often(self) -> None:
        pace = measured()
        at = 0.2
        waits = []
        for _ in range(3):
            # 30 a second again and again, refused once the pace was raised.
            send_evenly(pace, 300, at + 0.01, at + 10.0)
            waited = 0.0
            while pace.per_s is not None and pace.per_s <= 33.1:
                pace.used = True
                waited += 0.5
                if pace.answered(at + waited):
                    waits.append(waited)
            at += 10.0
            pace.sent(at)
            pace.refused(at, at)
        assert waits[0] == 2.0
        pace.used = True
        assert not pace.answered(at + 30)
        pace.try_again()
        assert pace.answered(at + 30)

    def test_before_anything_was_refused_there_is_no_pace_to_raise(self) -> None:
        pace = Pace()
        pace.used = True
        assert not pace.answered(1e9)
        assert pace.per_s is None


class TestRefusalsThatAreNotAboutThePace:
    def test_few_at_a_pace_that_the_server_kept_up_with_are_set_aside(self) -> None:
        pace = measured()
        at = 0.2
        for _ in range(3):
            send_evenly(pace, 29, at, at + 1.0)
            at += 1.0
            pace.sent(at)
            assert not pace.refused(at, at)
        assert pace.per_s == pytest.approx(29.1)

    def test_many_are_evidence_all_the_same(self) -> None:
        """One of five: after the third, 0.15 of the calls since then."""
        pace = measured()
        at = 0.2
        aside = []
        for n in (8, *[4] * 20):
            send_evenly(pace, n, at, at + n / 29.1)
            at += n / 29.1
            pace.sent(at)
            aside.append(not pace.refused(at, at))
        # The k-th is one too many when k > 3 + 0.15 * 4 * (k - 1), at first for k = 7.
        assert aside[:7] == [True] * 6 + [False]
        assert pace.per_s is not None
        assert pace.per_s < 29

    def test_a_server_that_does_not_keep_up_is_one_with_a_rate(self) -> None:
        """Halved: at a pace of 29.1 it let 15 through in a second."""
        pace = measured()
        send_evenly(pace, 15, 0.3, 1.2)
        pace.sent(1.2)
        assert pace.refused(1.2, 1.2)
        assert pace.per_s == pytest.approx(0.97 * 15)
