"""Work that runs ahead in a thread of its own, as far as a bounded queue lets it.

Decoding, scaling and a network spend their time outside of Python's lock, so that threads are
enough for them to overlap.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from queue import Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

__all__ = ["in_background"]

T = TypeVar("T")

_WAIT_SECONDS = 0.1  # how soon a thread notices that nobody wants its items any more
_END = object()


@contextmanager
def in_background(items: Iterable[T], *, ahead: int) -> Iterator[Iterator[T]]:
    """Give an iterator over items that a thread makes, up to `ahead` of them beforehand.

    What `items` raises is raised in the iteration. The thread has ended when the block ends, also
    where that was left before the last item.
    """
    queue: Queue[tuple[Any, BaseException | None]] = Queue(ahead)
    unwanted = Event()
    thread = Thread(target=_fill, args=(items, queue, unwanted), daemon=True)
    thread.start()
    try:
        yield _drain(queue)
    finally:
        unwanted.set()
        thread.join()


def _drain(queue: Queue) -> Iterator[Any]:
    while True:
        item, error = queue.get()
        if error is not None:
            raise error
        if item is _END:
            return
        yield item


def _fill(items: Iterable[Any], queue: Queue, unwanted: Event) -> None:
    try:
        for item in items:
            _put(queue, (item, None), unwanted)
            if unwanted.is_set():
                break
        _put(queue, (_END, None), unwanted)
    except BaseException as error:  # whatever it is, the thread that wants the items must know
        _put(queue, (None, error), unwanted)
    finally:
        if isinstance(items, Generator):
            items.close()  # where it ran: what it reads from is closed next


def _put(queue: Queue, entry: tuple[Any, BaseException | None], unwanted: Event) -> None:
    while not unwanted.is_set():
        try:
            queue.put(entry, timeout=_WAIT_SECONDS)
        except Full:
            continue
        return
