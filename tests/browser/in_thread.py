"""A runner in a thread of its own, as Playwright's loop needs it beside pytest's."""

from concurrent.futures import ThreadPoolExecutor


def in_thread(make):
    """A function that calls a runner's methods in one thread of its own: Playwright's loop needs it so."""
    with ThreadPoolExecutor(1) as thread:
        runner = thread.submit(make).result()
        yield lambda verb, *given: thread.submit(getattr(runner, verb), *given).result()
        if hasattr(runner, "__exit__"):
            thread.submit(runner.__exit__, None, None, None).result()
