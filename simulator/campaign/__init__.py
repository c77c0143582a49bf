# SPDX-License-Identifier: MIT
"""The campaign: updates in virtual mode with faults put into them, judged by invariants.

| file | what it holds |
|---|---|
| `case.py` | a case: story, seed and faults, as one line of text and back; the registry of faults |
| `stories.py`, `application.py` | what is offered to which board; the software that tells which one it is |
| `switched.py`, `watched.py` | a product that has a say in its updates; one that crashes later |
| `failing.py`, `leaving.py` | one that cannot start; one that restarts on its trial |
| `recorder.py`, `trees.py` | everything that happens in a run, in order; which trees of software are whole |
| `run.py`, `stages.py` | runs a case to its end, whatever it does; what it does one after the other |
| `snapshot.py`, `branches.py` | a run that can be cut in many ways; many cases, what begins alike played once |
| `breaks.py` | many cases that break a link at some byte, likewise |
| `outcome.py` | what a run has shown, and its flat record |
| `talk.py` | what is said in a story, byte by byte |
| `cuts.py` | the power cuts: the fault, and the lists of cases |
| `facts.py` | which operations write which facts of the journal, or a number |
| `alarm.py` | faults that begin later |
| `at_byte.py` | faults at a byte of what is said |
| `flash_faults.py`, `network.py`, `mqtt_faults.py`, `web_faults.py`, `clock_faults.py` | the other faults, as written |
| `fault_cases.py`, `search.py`, `plan.py` | which faults go where; random schedules; all cases of a campaign |
| `invariants.py`, `software_invariants.py`, `rainmaker_invariants.py` | a named check a rule |
| `control_invariants.py`, `manners_invariants.py` | the same, of a story or two each |
| `engine.py` | many cases on all cores; making a failing case smaller |
| `summary.py`, `report.py`, `pictures.py`, `operations.py` | the closing table and the page |
| `planted.py`, `planted_software.py`, `planted_bug.py` | bugs put into the firmware on purpose: the checks can fail |
"""
