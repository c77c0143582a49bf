# SPDX-License-Identifier: MIT
"""Twin of `_asyncio` in lockstep: tasks and their queue on the virtual clock, which the real one's C code looks past.

What asyncio's core asks of them is all there is. The few tasks of a program are in a list, by their time.
"""

from time import ticks_diff, ticks_ms


class TaskQueue:
    """Tasks by the time at which they are to run, those of the same time in the order of their coming."""

    def __init__(self):
        self._tasks = []

    def peek(self):
        return self._tasks[0] if self._tasks else None

    def push(self, task, key=None):
        """`key`: ticks_ms() of its turn; now without one."""
        task.data = None
        task.ph_key = ticks_ms() if key is None else key
        at = len(self._tasks)
        while at and ticks_diff(self._tasks[at - 1].ph_key, task.ph_key) > 0:
            at -= 1
        self._tasks.insert(at, task)

    def pop(self):
        return self._tasks.pop(0)

    def remove(self, task):
        self._tasks.remove(task)


class Task:
    """`state`: True while it runs, a TaskQueue of those who wait for its end, or a function to be told of it; None once
    it has ended, and False once somebody has taken note. `data`: what it waits for, or how it ended.
    """

    def __init__(self, coro, context):
        self.coro = coro
        self.data = None
        self.state = True
        self.ph_key = 0
        self._context = context  # the names of asyncio's core

    def __iter__(self):
        if not self.state:
            self.state = False
        elif self.state is True:
            self.state = TaskQueue()
        elif not isinstance(self.state, TaskQueue):
            raise RuntimeError("can't wait")
        return self

    __await__ = __iter__

    def __next__(self):
        if not self.state:
            raise self.data
        waiting = self._context["cur_task"]
        self.state.push(waiting)
        waiting.data = self

    def done(self):
        return not self.state

    def cancel(self):
        if not self.state:
            return False
        if self is self._context["cur_task"]:
            raise RuntimeError("can't cancel self")
        task = self
        while isinstance(task.data, Task):  # whom it waits for
            task = task.data
        queue = self._context["_task_queue"]
        if hasattr(task.data, "remove"):
            task.data.remove(task)
            queue.push(task)
        elif ticks_diff(task.ph_key, ticks_ms()) > 0:
            queue.remove(task)
            queue.push(task)
        task.data = self._context["CancelledError"]
        return True
