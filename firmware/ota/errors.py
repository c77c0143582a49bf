# SPDX-License-Identifier: MIT
"""What can go wrong with an update, by what the agent does about it. Every error has a stable code.

The code is the same string in the log, in the report to the cloud, in the docs and in the tests.
"""


class OtaError(Exception):
    """`code`: short and stable, for machines. `detail`: for people, may be empty."""

    beside = False  # it happened on a line of a source's own, beside the one to the cloud, which may be as well as ever

    def __init__(self, code, detail: str | int = ""):
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def text(self):
        """Code and detail as one line for a report."""
        return "%s: %s" % (self.code, self.detail) if self.detail else self.code


class JobError(OtaError):
    """The job itself is wrong: refused, reported, never retried."""


class TransferError(OtaError):
    """The way to the image is broken: tried again, with a bound. Rarely where `detail` is a number: we were refused."""


class VerifyError(OtaError):
    """The bytes are not what was promised: never activated, tried again from the start, with a bound."""


class FlashError(OtaError):
    """The flash refuses or lies: the update stops."""


class Cancelled(OtaError):
    """Nobody wants this job any more: unassigned, replaced, or cancelled by the application."""
