"""The table of verbs: the module, the place in the help, the common options, the exit statuses, the examples."""

from __future__ import annotations

from typing import NamedTuple

from fragtui.commands.cli.exit_status import Exit

LOOK, FIX, RECORD, AUTOMATE, SHIP = "Look", "Fix", "Record", "Automate", "Ship"
COMMON = ("root", "order", "read-only", "audit")
"""Options that several verbs take, before the verb or after it."""
_NODE = ("root", "order", "audit")
_WRONG_USAGE = {Exit.USAGE: "wrong usage"}


class Example(NamedTuple):
    """A command line and what it is for."""

    command: str
    purpose: str


class Verb(NamedTuple):
    """One verb; `module` below `fragtui.commands` has HELP, configure(parser) and run(args)."""

    module: str
    group: str
    common: tuple[str, ...]
    """Those of `COMMON` that mean something to it."""
    statuses: dict[Exit, str]
    examples: tuple[Example, ...]


_REMEDY = {
    Exit.DONE: "done",
    Exit.FAILED: "failed",
    Exit.USAGE: "not confirmed or wrong usage",
    Exit.UNAVAILABLE: "not run (no permission to write, no audit log, another remedy runs)",
    Exit.ABORTED: "aborted",
}
_PRINTED = {Exit.DONE: "printed", **_WRONG_USAGE}

SCREEN = Verb(
    "look.screen",
    LOOK,
    COMMON,
    {Exit.DONE: "quit", Exit.FAILED: "internal error", Exit.USAGE: "wrong usage or no terminal"},
    (
        Example("sudo fragtui", "the full screen of this node; ? shows all keys"),
        Example("fragtui --root /host", "the node's screen from a container that has its / under /host"),
        Example("fragtui --root ./sosreport-node7 --order 6", "saved files, judged for blocks of 256K"),
        Example("sudo fragtui --read-only", "look only: no key runs a remedy"),
    ),
)
"""The full screen, which runs without a verb."""

VERBS = {
    "check": Verb(
        "look.check",
        LOOK,
        _NODE,
        {
            Exit.DONE: "OK",
            Exit.FAILED: "LOW or RECOVERING, or FRAGMENTED where requests get a block after a wait",
            Exit.USAGE: "FRAGMENTED, RESERVED or OUT OF MEMORY",
            Exit.UNAVAILABLE: "unknown or wrong usage",
        },
        (
            Example("fragtui check", "is this node's memory fragmented?"),
            Example("fragtui check --order 9", "are blocks of 2M (huge pages) available?"),
            Example("fragtui check --root ./must-gather -o json", "the verdict of saved files, for a program"),
            Example("fragtui check --plugin nagios --order 6", "for Nagios, Icinga and Checkmk"),
            Example("fragtui check --plugin npd", "for node-problem-detector: 0 no problem, 1 requests may fail"),
            Example("fragtui check --pods", "denied requests and stuck pods too, from logs and the API"),
            Example("fragtui check --watch", "again every 2 seconds"),
            Example("fragtui check -q || echo not OK", "only the exit status"),
        ),
    ),
    "doctor": Verb(
        "look.doctor",
        LOOK,
        ("root", "read-only", "audit"),
        {
            Exit.DONE: "nothing is missing",
            Exit.FAILED: "a source can't be read or a remedy can't be run",
            **_WRONG_USAGE,
            Exit.UNAVAILABLE: "/proc/buddyinfo can't be read",
        },
        (
            Example("sudo fragtui doctor", "every source: what it shows, or why it can't be read and what to do"),
            Example("fragtui doctor --json", "for a program"),
        ),
    ),
    "explain": Verb(
        "look.explain",
        LOOK,
        (),
        {
            Exit.DONE: "all logs were read",
            Exit.FAILED: "a log could not be read to its end",
            **_WRONG_USAGE,
            Exit.ABORTED: "Ctrl-C",
        },
        (
            Example("dmesg | fragtui explain", "the failures that the kernel remembers"),
            Example("journalctl -k -b -1 | fragtui explain", "those of the boot before"),
            Example("fragtui explain kern.log.1.gz kubelet.log", "kernel and kubelet together: which pods failed"),
            Example("fragtui explain --since '1h ago' -o json kern.log", "the last hour, one JSON object a line"),
        ),
    ),
    "report": Verb(
        "look.report",
        LOOK,
        _NODE,
        {Exit.DONE: "written", Exit.FAILED: "not written", **_WRONG_USAGE},
        (
            Example("sudo fragtui report -o ticket.md", "one page of Markdown for a ticket"),
            Example("sudo fragtui report --since yesterday --redact", "without names and addresses, to share outside"),
            Example("sudo fragtui report --json -o ticket.json", "everything as one JSON object, for a program"),
        ),
    ),
    "history": Verb(
        "look.history",
        LOOK,
        _NODE,
        {Exit.DONE: "shown", **_WRONG_USAGE, Exit.UNAVAILABLE: "the log could not be read, or --audit names none"},
        (
            Example("sudo fragtui history", "the remedies that ran on this node, and what they gained"),
            Example("sudo fragtui history --since '2 days ago' -o json", "one JSON object a remedy"),
            Example("sudo fragtui history --last 5 --advice", "the last five, and settings that help for longer"),
        ),
    ),
    "fleet": Verb(
        "look.fleet",
        LOOK,
        ("order", "read-only"),
        {
            Exit.DONE: "all nodes are OK",
            Exit.FAILED: "a node is not",
            **_WRONG_USAGE,
            Exit.UNAVAILABLE: "the server could not be read, or nodes are unknown or stale",
        },
        (
            Example("fragtui fleet --prometheus https://prometheus:9090 --order 9", "all nodes, worst first"),
            Example("fragtui fleet --prometheus http://localhost:9090 --once --size 2M", "a table, for blocks of 2M"),
            Example("fragtui fleet --prometheus URL --match '{pool=\"gpu\"}' -o json", "some nodes, for a program"),
        ),
    ),
    "config": Verb(
        "look.config",
        LOOK,
        ("root", "order", "read-only"),
        {
            Exit.DONE: "printed",
            Exit.USAGE: "a mistake in a setting, or wrong usage",
            Exit.UNAVAILABLE: "a file is not used",
        },
        (
            Example("fragtui config", "what holds now, and from which file or variable"),
            Example("FRAGTUI_INTERVAL=2 fragtui config -o json", "with a variable, for a program"),
        ),
    ),
    "gfp": Verb(
        "look.gfp",
        LOOK,
        ("root",),
        {Exit.DONE: "decoded", Exit.USAGE: "neither a mask nor names of flags, or wrong usage"},
        (
            Example("fragtui gfp 0x40cc0", "the flags of a mask from a kernel report"),
            Example("fragtui gfp 0x2000d0 --kernel 3.10.0-1160.el7", "as that release defines them"),
            Example("fragtui gfp 'GFP_KERNEL|__GFP_NOWARN'", "names into a mask"),
        ),
    ),
    "drop-caches": Verb(
        "fix.drop_caches",
        FIX,
        COMMON,
        _REMEDY,
        (
            Example("sudo fragtui drop-caches", "the page cache: shows plan and cost, asks, runs, reports the gain"),
            Example("sudo fragtui drop-caches 3 --sync", "page cache and slab, dirty pages written first"),
            Example("sudo fragtui drop-caches -y --follow 30m", "without asking; measures again until 30 minutes"),
        ),
    ),
    "compact": Verb(
        "fix.compact",
        FIX,
        COMMON,
        _REMEDY,
        (
            Example("sudo fragtui compact", "all memory: shows plan and cost, asks, runs, reports the gain"),
            Example("sudo fragtui compact --node 1", "only NUMA node 1"),
            Example("sudo fragtui compact --gentle -y -q", "only wake kcompactd; no question, no output but errors"),
        ),
    ),
    "reclaim": Verb(
        "fix.reclaim",
        FIX,
        COMMON,
        _REMEDY,
        (
            Example("fragtui reclaim", "the cgroups with most page cache"),
            Example("sudo fragtui reclaim kubepods/besteffort/pod0b2d8c6e", "one pod's: plan, cost, question, report"),
            Example("sudo fragtui reclaim /system.slice/backup.service --amount 2G", "only 2G of it (cgroup v2)"),
        ),
    ),
    "record": Verb(
        "record.record",
        RECORD,
        ("root", "audit"),
        {Exit.DONE: "recorded", Exit.FAILED: "the file could not be written", **_WRONG_USAGE},
        (
            Example("sudo fragtui record incident.rec", "until Ctrl-C"),
            Example("sudo fragtui record --for 10m --interval 0.5 incident.rec", "ten minutes, two samples a second"),
        ),
    ),
    "replay": Verb(
        "record.replay",
        RECORD,
        ("order",),
        {Exit.DONE: "quit", Exit.FAILED: "internal error", Exit.USAGE: "not a recording, no terminal, or wrong usage"},
        (
            Example("fragtui replay incident.rec", "the screen as it was; > jumps to the next incident"),
            Example("fragtui replay incident.rec --order 6", "judged for blocks of 256K"),
        ),
    ),
    "guard": Verb(
        "fix.guard",
        AUTOMATE,
        COMMON,
        {
            Exit.DONE: "stopped by a signal, --until, or done (--once)",
            Exit.FAILED: "gave up because remedies gain nothing",
            Exit.USAGE: "wrong policy",
            Exit.UNAVAILABLE: "can't guard here (no permission to write, or another guard runs)",
        },
        (
            Example("sudo fragtui guard --dry-run", "prints what it would do, runs nothing"),
            Example("sudo fragtui guard --order 4 --blocks 64 --quiet 08:00-18:00", "not in working hours"),
            Example("sudo fragtui guard --free 8G --until unit:vllm.service --until 20m", "while a service starts"),
            Example("sudo fragtui guard --policy /etc/fragtui/guard.toml", "by a policy in a file"),
            Example("fragtui guard --print-unit > /etc/systemd/system/fragtui-guard.service", "as a systemd service"),
        ),
    ),
    "gate": Verb(
        "fix.gate",
        AUTOMATE,
        ("root", "read-only", "audit"),
        {
            Exit.DONE: "ready, now or after remedies",
            Exit.USAGE: "wrong usage, more than the node has, or not confirmed",
            Exit.UNAVAILABLE: "unknown",
            Exit.BUSY: "not ready now",
            Exit.REBOOT_REQUIRED: "not ready, and all remedies did not help",
            Exit.ABORTED: "aborted",
        },
        (
            Example("fragtui gate --need 200x2M", "may a job that needs 200 blocks of 2M start here?"),
            Example("fragtui gate --need 1000x2M --node 1 -o json", "huge pages on NUMA node 1, for a program"),
            Example("sudo fragtui gate --need 200x2M --free 8G --heal -y --wait 10m", "remedies run until it may"),
            Example("sudo fragtui gate --need 64x4M --heal -y --unless-unit vllm.service", "not beside a live one"),
        ),
    ),
    "export": Verb(
        "record.export",
        AUTOMATE,
        _NODE,
        {
            Exit.DONE: "stopped by a signal, written or printed",
            Exit.FAILED: "not served or not written",
            **_WRONG_USAGE,
        },
        (
            Example("sudo fragtui export", "serve metrics to this machine, at 127.0.0.1:9917"),
            Example("sudo fragtui export --textfile /var/lib/node_exporter/fragtui.prom", "for node_exporter"),
            Example("fragtui export --lean", "at most 24 series of a node of a large fleet, without any privilege"),
            Example("fragtui export --rules > fragtui-rules.yaml", "alert rules for Prometheus"),
            Example("fragtui export --rules --fleet --order 9", "recording rules over node_exporter's buddyinfo"),
            Example("fragtui export --dashboard > fragtui.json", "a dashboard for Grafana"),
        ),
    ),
    "ship": Verb(
        "ship.ship",
        SHIP,
        (),
        {Exit.DONE: "made or printed", Exit.FAILED: "not made", **_WRONG_USAGE},
        (
            Example("fragtui ship zipapp fragtui.pyz", "one file that runs with Python 3.11 and nothing else"),
            Example("fragtui ship image fragtui-image --image IMAGE:TAG", "a folder for podman build or docker build"),
            Example("fragtui ship manifests fragtui-manifests --image IMAGE:TAG", "a kustomization: watch and treat"),
            Example("fragtui ship krew fragtui-krew --image IMAGE:TAG", "kubectl fragtui NODE, as a plug-in for krew"),
            Example("fragtui ship npd > fragtui-monitor.json", "a condition of the node, by node-problem-detector"),
            Example("fragtui ship gate-prolog --need 200x2M", "for Slurm; also gate-drop-in, gate-pod, gate-daemonset"),
            Example("fragtui ship debug-line --node worker-7", "for kubectl debug"),
        ),
    ),
    "completion": Verb(
        "ship.completion",
        SHIP,
        (),
        _PRINTED,
        (
            Example("source <(fragtui completion bash)", "in this shell, or from ~/.bashrc"),
            Example("fragtui completion zsh > ~/.zfunc/_fragtui", "a directory of $fpath"),
            Example("fragtui completion fish > ~/.config/fish/completions/fragtui.fish", "for fish"),
        ),
    ),
    "man": Verb(
        "ship.man",
        SHIP,
        (),
        {Exit.DONE: "printed", Exit.FAILED: "argparse-manpage is not installed", **_WRONG_USAGE},
        (
            Example("fragtui man | man -l -", "read it"),
            Example("fragtui man > /usr/local/share/man/man8/fragtui.8", "install it"),
        ),
    ),
    "help": Verb(
        "cli.help",
        SHIP,
        (),
        _PRINTED,
        (
            Example("fragtui help", "all verbs"),
            Example("fragtui help check", "one verb: its options, exit statuses and examples"),
        ),
    ),
    "version": Verb("cli.version", SHIP, (), _PRINTED, (Example("fragtui version", "for a ticket"),)),
}


def exit_text(verb: Verb) -> str:
    """Return the exit statuses of a verb as a sentence."""
    return f"Exit status: {', '.join(f'{status.value} {meaning}' for status, meaning in verb.statuses.items())}."
