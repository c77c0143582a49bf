# SPDX-License-Identifier: MIT
"""What is known of the job, as it is written down: the record `fw` in NVS."""

from ota.job import FIRMWARE


def keep(cloud):
    """Writes down what is known of the job."""
    facts = cloud.facts
    known = dict(cloud.known[FIRMWARE]) or None  # what is written must not change with `known`
    terms = [facts.severity, facts.max_defer, facts.has_terms]
    cloud.journal.keep(
        fw={
            "n": cloud.number, "state": facts.state, "result": facts.result, "uri": facts.uri, "way": facts.way,
            "job": known, "terms": terms,
        }
    )  # fmt: skip
