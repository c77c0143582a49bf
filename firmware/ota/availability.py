# SPDX-License-Identifier: MIT
"""What the cloud is told of who may update what when: facts, by name, as ota.cloud has them. Loaded with Control."""

from ota.deferral import kind_of
from ota.errors import TransferError
from ota.port import const, forget, ticks_diff, ticks_ms

_FIGURES_MS = const(60000)


class Availability:
    """Of a Control. Each line begins with all, then there is what has changed."""

    def __init__(self, control):
        self._control = control
        self._said = {}
        self._figures_at = ticks_ms()  # when the reason was told last
        self.trouble = ""  # what is wrong whatever becomes of updates
        control.agent.cloud.is_controlled = True

    def owe(self, name):
        """Tells this fact next time, changed or not."""
        self._said.pop(name, None)

    def renew(self):
        """It is another line."""
        self._said = {}

    def tell(self):
        facts = self._facts()
        self._hold_figures(facts)
        changed = {name: facts[name] for name in facts if facts[name] != self._said.get(name)}
        if changed and self._say("availability", changed):
            self._said = facts
            if "reason" in changed or "until" in changed:
                self._figures_at = ticks_ms()

    def _hold_figures(self, facts):
        """Another reason is told at once, other figures of the same one only now and then."""
        reason, until = self._said.get("reason"), self._said.get("until")
        is_known = reason and kind_of(reason) == kind_of(facts["reason"])
        if is_known and ticks_diff(ticks_ms(), self._figures_at) < _FIGURES_MS:
            facts["reason"], facts["until"] = reason, until

    def explain(self, token):
        """Answers who has asked."""
        from ota import explain

        forget("ota.explain")
        self._say("explained", token, [explain.line(rule) for rule in self._control.explain()])

    def _say(self, what, *values):
        """Whether it was sent. A lost line is noticed by who listens; on the next one all is said anew."""
        cloud = self._control.agent.cloud
        if not hasattr(cloud, "words"):
            return False
        try:
            getattr(cloud.words(), what)(cloud, *values)
            return True
        except TransferError:
            return False

    def _facts(self):
        control = self._control
        gating, agent = control.gating, control.agent
        job = control.waiting or agent.job
        closed = [gate for gate in gating.all(job) if not gate[1]]
        reason, until = closed[0][2:4] if closed else ("", 0)
        held = control.reset_pending and gating.holds(agent.track, agent.job)
        if held:
            reason, until = held
        return {
            "enabled": control.updates_enabled,
            "forced": control.updates_forced,
            "pending": control.updates_pending,
            "status": control.update_status,
            "reason": reason,
            "until": until,
            "waiting_for_reset": control.reset_pending,
            "deferred": gating.deferral.count(job),
            "error": control.last_error or self.trouble,
        }
