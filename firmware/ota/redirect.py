# SPDX-License-Identifier: MIT
"""Where a redirect leads. Loaded with the first."""

from ota.http import split


def join(place, location):
    """Where `location`, absolute or relative to `place` (as from `split`), leads. Raises JobError `bad_url`."""
    tls, host, port, text, at = place
    if location.startswith("//"):
        return split(("https:" if tls else "http:") + location)
    if "://" in location.partition("?")[0]:
        return split(location)
    path = text[at:].partition("?")[0] or "/"
    if location.startswith("?"):
        location = path + location
    elif not location.startswith("/"):
        location = path[: path.rfind("/") + 1] + location
    return split("%s://%s:%d%s" % ("https" if tls else "http", host, port, location))
