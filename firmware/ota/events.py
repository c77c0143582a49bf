# SPDX-License-Identifier: MIT
"""What the application is told of its updates (particle.md 4): handler(event, value), in this order.

begin          0   the first block is in flash, all that was there is erased
progress       2   after each block
complete       1   all is there and read back from flash; or
failed        -1   it ended otherwise; not after a pause
pending        0   an update has begun to wait
status         n   UNKNOWN 0, NOT_AVAILABLE 1, PENDING 2 or IN_PROGRESS 3, whenever it has changed
reset_pending  0   what was installed needs a reset
reset          0   it comes. Who is not ready returns True and is asked again, or a generator, which is run: for 30 s

A handler runs in the agent's step, so its time is the application's own: one that hangs is the watchdog's business on a
trial, and nobody's else. What it raises is printed.
"""

from ota.port import const, print_exception, ticks_diff

_PATIENCE_MS = const(30000)


class Events:
    """Tells what changes in a Control."""

    def __init__(self, control):
        self._control = control
        self._handlers = []
        self._has_begun = self._was_pending = False
        self._status = 0
        self.is_complete = False

    def on(self, handler):
        """`handler`: a function of the event's name and its value, see above."""
        self._handlers.append(handler)

    def tell(self, event, value):
        """Allocates nothing by itself."""
        for handler in self._handlers:
            self._call(handler, event, value)

    @staticmethod
    def _call(handler, event, value):
        try:
            return handler(event, value)
        except Exception as error:  # a bug of the application's must not hurt its update
            print_exception(error)

    def notice(self):
        """Tells what has changed since it was asked last."""
        control = self._control
        pending = control.updates_pending
        if pending != self._was_pending:
            self._was_pending = pending
            if pending:
                self.tell("pending", 0)
        status = control.update_status
        if status != self._status:
            self._status = status
            self.tell("status", status)

    def progress(self):
        if not self._has_begun:
            self._begin()
        self.tell("progress", 2)

    def complete(self):
        """May be called again and again."""
        if not self.is_complete:
            self._begin()
            self.is_complete = True
            self.tell("complete", 1)
            self.notice()
            self.tell("reset_pending", 0)

    def end(self, has_failed):
        """Of what was under way."""
        has_failed = has_failed and self._has_begun
        self._has_begun = self.is_complete = False
        if has_failed:
            self.tell("failed", -1)

    def _begin(self):
        if not self._has_begun:
            self._has_begun = True
            self.tell("begin", 0)
            self.notice()

    def reset(self):
        """Generator: until every handler is done, or patience is over."""
        agent = self._control.agent
        waiting = []
        for handler in self._handlers:
            answer = self._call(handler, "reset", 0)
            if hasattr(answer, "__next__"):
                waiting.append(answer)
            elif answer is True:
                waiting.append(self._asking(handler))
        since = agent.board.ticks_ms()
        while waiting and ticks_diff(agent.board.ticks_ms(), since) < _PATIENCE_MS:
            agent.link.moment_if_up()
            agent.board.sleep_ms(agent.board.step_ms)
            yield
            waiting = [answer for answer in waiting if self._is_busy(answer)]

    def _asking(self, handler):
        while self._call(handler, "reset", 0) is True:
            yield

    @staticmethod
    def _is_busy(answer):
        try:
            next(answer)
            return True
        except StopIteration:
            return False
        except Exception as error:
            print_exception(error)
            return False
