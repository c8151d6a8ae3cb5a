"""Waiting for a condition, with a deadline that only a fault reaches."""

import time

DEADLINE_S = 60.0  # far beyond what a loaded machine needs, with sanitizers too


def until(what, condition, deadline_s=DEADLINE_S):
    """The first true value of `condition()`; TimeoutError names `what` that never came."""
    end = time.monotonic() + deadline_s
    pause_s = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {deadline_s:g} s in vain: {what}")
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.05)
