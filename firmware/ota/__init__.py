# SPDX-License-Identifier: MIT
"""Over-the-air updates for ESP32 boards under MicroPython.

agent.py       listens, decides, installs, reports; start reading here
install.py     from a job to a reset into the new image
bootcheck.py   what a boot means: trial, rollback, fallback; confirm or give up
trial.py       when the agent confirms or gives up
track.py       one kind of update, firmware     software.py  the other kind, loaded when it is used
verdict.py     an offer, judged, before         policy.py    may a job start; loaded, as offer.py, when one is offered
job.py         what a job is                    offer.py     whether what a cloud says makes one
resume.py      what flash holds already         setbacks.py  a download that broke off or brought the wrong bytes
schedule.py    what rules about time say        when.py, zone.py: how people write them, local time
slot.py        the spare partition as a sink    image.py     is this an app for this board
tree.py        the spare tree of software       trees.py     which tree runs, and its trial
package.py     what a software package is       files.py     walk, empty, read back
otadata.py     what the bootloader selects      journal.py   what survives a reset
report.py      states, the outbox               identity.py  which version runs
link.py        the line to the cloud            mqtt.py      over umqtt.simple (mqtt_login.py)
attempts.py    how often a job was started      host.py      images for another microcontroller
ended.py       jobs that are offered again      quarantine.py  what has failed is left alone
wear.py        flash has to rest for today      crashes.py, probation.py, safe.py: it cannot run
watching.py    crashes after a trial            other.py     back to the other slot
leaving.py     restart and sleep in good order
control.py     what an application has to say   events.py    what it is told
orders.py      what the cloud orders
gating.py      what keeps an update back        gates.py     some ready-made gates
switches.py    what is off, and until when      deadline.py  when that is over
deferral.py    how often it was put off         terms.py     what a job says about that
explain.py     what would happen now, and why   availability.py  what the cloud is told of all this
waiting.py     pauses in an update, its reset
cloud/         ThingsBoard, ESP RainMaker, a broker of one's own     source/  one file a way of delivery
versions.py    which one is higher
checksum.py    running digests                  digests.py, sha512.py, murmur3.py: rare ones, may be left off
http.py        URLs and answers                 exchange.py  one request after the other
secure.py      TLS, verified or not at all      credentials.py  what it is set up with
chunked.py, redirect.py, crc32.py, surrogates.py, no_nvs.py: for rare cases
board.py       the hardware seam                dial.py      how a connection begins
port.py        MicroPython and CPython          log.py       one line an event
errors.py      families and codes
"""

__version__ = "0.1.0"
