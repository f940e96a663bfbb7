import time
from collections.abc import Iterator
from threading import active_count, get_ident

import pytest

from handact.background import in_background


def test_items_come_in_order_from_another_thread() -> None:
    def numbers() -> Iterator[tuple[int, int]]:
        for i in range(50):
            yield i, get_ident()

    with in_background(numbers(), ahead=3) as items:
        found = list(items)
    assert [i for i, _ in found] == list(range(50))
    assert {thread for _, thread in found} - {get_ident()}


def test_the_queue_is_bounded() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for i in range(100):
            made.append(i)
            yield i

    with in_background(numbers(), ahead=4) as items:
        next(items)
        time.sleep(0.2)
        assert len(made) <= 1 + 4 + 1  # given out, waiting, and the one in the thread's hand


def test_what_goes_wrong_is_told() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise ValueError("frame 1 is broken")

    with in_background(numbers(), ahead=4) as items:
        assert next(items) == 1
        with pytest.raises(ValueError, match="frame 1 is broken"):
            next(items)


def test_leaving_early_ends_the_thread_and_the_generator() -> None:
    before, closed = active_count(), []

    def numbers() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    with in_background(numbers(), ahead=2) as items, in_background(items, ahead=2) as again:
        assert next(again) == 0
    assert active_count() == before
    assert closed
