# SPDX-License-Identifier: MIT
"""The one exception for wrong input or environment: a clear line with a stable code, exit status 2."""


class UserError(Exception):
    """`code` is short and stable (`no_such_file`); `text` is one line that says what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    def __reduce__(self) -> tuple:
        """A worker's error has to travel to the process that asked."""
        return type(self), (self.code, self.text)
