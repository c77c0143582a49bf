# SPDX-License-Identifier: MIT
"""What MicroPython prints of an exception: the frames without their source, which a board does not have."""


def traceback_text(error: BaseException) -> str:
    """The lines of it; frames of ours, which are files with a path, are left out."""
    lines = ["Traceback (most recent call last):"]
    trace = error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(("/", "<")):
            lines.append(f'  File "{code.co_filename}", line {trace.tb_lineno}, in {code.co_name}')
        trace = trace.tb_next
    name, text = type(error).__name__, str(error)
    return "\n".join([*lines, f"{name}: {text}" if text else name])
