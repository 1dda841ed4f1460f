"""The guard's policy in sentences."""

from __future__ import annotations

from fragtui.remedies.escalation import EscalationStep
from fragtui.remedies.guard.policy import Policy
from fragtui.render.numbers import span_words
from fragtui.text import counted, format_block, format_bytes

_STEPS = {
    EscalationStep.SYNC: "sync",
    EscalationStep.WAKE: "wake kcompactd",
    EscalationStep.RECLAIM: "reclaim the cgroup with most page cache",
    EscalationStep.PAGE_CACHE: "drop page cache",
    EscalationStep.SLAB: "drop slab",
    EscalationStep.COMPACT_NODE: "compact each NUMA node",
    EscalationStep.COMPACT: "compact all memory",
}


def guard_sentences(policy: Policy, page_size: int) -> tuple[tuple[str, str], ...]:
    """Return when the guard acts, what it does, how often at most and what stops it, each with its label."""
    size = format_block(page_size, policy.order)
    period = "" if policy.period is None else f" It also acts every {span_words(policy.period)}."
    quiet = f", and in quiet hours ({', '.join(map(str, policy.quiet))})" if policy.quiet else ""
    memory = "" if policy.free is None else f", or less than {format_bytes(policy.free)} of memory,"
    return (
        ("When", f"It acts when fewer than {policy.blocks} blocks of {size}{memory} are free for "
                 f"{span_words(policy.hold)}."
                 f"{period}"),
        ("What", f"It runs these steps in order, until {policy.blocks} blocks are free: "
                 f"{', '.join(_STEPS[step] for step in policy.steps)}."),
        ("How often", f"It waits {span_words(policy.cooldown)} between two runs, and runs at most "
                      f"{counted(policy.per_hour, 'time')} an hour."),
        ("Stops", f"It waits while memory pressure is {policy.pressure:g} % or more{quiet}. It gives up after "
                  f"{counted(policy.give_up, 'run')} in a row without a gain, or when no step is left to try."),
    )  # fmt: skip
