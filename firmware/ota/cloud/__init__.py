# SPDX-License-Identifier: MIT
"""The clouds: one file each, which turns its messages into Job and events and back. Nothing else knows its names.

connect()              blocks at most 10 s; TransferError when it fails
poll(ms)               handles at most one message that arrives within ms; TransferError when the link is lost
linked                 there is a connection
ready                  the cloud has told what it wants since connect() or refresh()
changed                set of the kinds whose offer may be another one since job() was asked last
known                  dict: what is offered of each kind, right or wrong, empty for nothing
job(kind)              what is offered: Job, or None; JobError when the offer is wrong (with .offer_id)
remembers              whether the cloud keeps the books of jobs, see below
software               (title, version) of the software that runs; set by the agent, None where none is used
refresh()              asks for the offers again; `ready` turns False until the answer
source(job, offset)    Source of the image from byte `offset` on
report(event, kind)    sends it; returns a handle
delivered(handle)      whether the cloud has acknowledged it
is_quiet(since, ms)    an answer to what was sent at ticks_ms() `since` will not come any more: it had `ms`, and was not
                       behind others on a slow line
progress(percent, kind)  may be lost
linger_ms              how long the board stays after its last word before it resets
close()
commands               what is asked for besides jobs, a list of at most 8, see below; () until there is something
is_controlled          set to True by the agent once somebody has a say (ota.control) and the cloud will hear of it
words()                the module that knows how to say the following, loaded then; not there in a cloud without words
What is about offers is in job.py, for every cloud to use.
Bad input from the network never raises: it is ignored, or refused through job().

A cloud states what is to run (ThingsBoard): None from job() means that it took its offer back, and the agent has to
know which jobs have ended. Or it `remembers`: it hands out a job of its own id until that has ended for good, and never
says that there is none. So None means nothing, whatever it offers is wanted, and the agent only knows what it has
rolled back. Such a cloud has more methods:
inspect(job, head)     the first block of an image, before anything is erased; JobError when the cloud does not want it
postponed(job, reason, until) it has to wait, see ota.policy; `until`: unix seconds, None where it is no matter of time
ends_attempt(error)    whether a broken transfer is the end of this try of the job; else it goes on by itself
is_final(event)        whether a job has ended for good with this report
is_released            False: the cloud has not given its order yet to activate what is installed. True for most. Raises
                       Cancelled("paused") where another job goes first
deferred(job, is_held) where it is there: the order stands; whether application or rules hold the reset nevertheless.
                       Without `is_held`, before they are asked: `job.terms` may be others by now
whole                  id of a job all of which was in flash, verified, before this boot; None for most
ended(job_id, error)   how a job ended; from now on job() is None, or the same job for one more try

Who may update what when is up to the application and the cloud (ota.control). The agent takes `commands` from the
front, between two of its steps; each has been checked:
("forced", bool)       whatever is offered starts, although updates are disabled; forgotten with the connection
("enabled", bool)      the operator's switch; True again with the connection, unless the cloud says it before `ready`
("pending", bool)      the cloud keeps something back that it would send if updates were enabled
("force", None)        what waits starts now, once
("cancel", None)       what is under way ends
("restart_soon", None) the board restarts, in good order
("tell", name)         wants to hear this one of the facts below, changed or not
("explain", token)     wants an answer: why what is offered waits
Of words(), which the cloud is given to again; both may raise TransferError:
availability(cloud, facts)          see below
explained(cloud, token, lines)      answers "explain" with texts, one for each rule
`facts`, after each connect all, then those that have changed, at most once a second; they are lost with the line:
enabled, forced, pending  as bool; `forced` is the echo, too
status                 0 not known yet, 1 nothing there, 2 something waits, 3 it is under way
reason, until          what keeps updates or a reset back, "" for nothing; until which unix second, 0: nobody knows
waiting_for_reset      it is installed but for the reset
deferred               how often the one that waits was put off
error                  how the last one failed, "" if it did not
"""
