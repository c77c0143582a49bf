# SPDX-License-Identifier: MIT
"""Who runs here: title and version of what runs, and the job that installed it."""


def running(board, journal):
    """(title, version). A frozen `version.py` wins; else what the journal knows of this slot; else "unknown"."""
    try:
        import version  # pyright: ignore[reportMissingImports] (only in a frozen build)

        return version.TITLE, version.VERSION
    except (ImportError, AttributeError):
        pass
    return noted(journal, board.running.info()[4])


def noted(journal, label):
    """(title, version) that the journal knows of a slot or tree that runs, perhaps on trial."""
    job = journal.get("job")
    if job and job["stage"] == "activating" and job["slot"] == label:
        return job["title"], job["version"]
    known = (journal.get("slots") or {}).get(label)
    return (known[1], known[2]) if known else ("unknown", "unknown")


def installed_by(journal, label):
    """Id of the job that put there what runs; None when it was not us."""
    known = (journal.get("slots") or {}).get(label)
    return known[0] if known else None
