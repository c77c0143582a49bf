# SPDX-License-Identifier: MIT
"""Who runs here: title and version of the running image, and the job that installed it."""


def running(board, journal):
    """(title, version). A frozen `version.py` wins; else what the journal knows of this slot; else "unknown"."""
    try:
        import version  # pyright: ignore[reportMissingImports] (only in a frozen build)

        return version.TITLE, version.VERSION
    except (ImportError, AttributeError):
        pass
    slot = board.running.info()[4]
    job = journal.get("job")
    if job and job["stage"] == "activating" and job["slot"] == slot:
        return job["title"], job["version"]  # on trial
    known = (journal.get("slots") or {}).get(slot)
    return (known[1], known[2]) if known else ("unknown", "unknown")


def installed_by(board, journal):
    """Id of the job that put the running image there; None when it was not us."""
    known = (journal.get("slots") or {}).get(board.running.info()[4])
    return known[0] if known else None
