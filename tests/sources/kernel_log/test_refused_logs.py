"""A log that every user can write is not read, and both readers of logs report that instead of showing nothing."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.support.places import REPOSITORY

READ = """
import sys
from pathlib import Path
from fragtui.sources.kernel_log.follower import KernelLog
from fragtui.sources.pods.runtime_log import RuntimeLog
from tests.support.pod_sink import CollectingSink, until
sink, updates = CollectingSink(), []
pods, kernel = RuntimeLog(Path("/"), sink), KernelLog(Path("/"), "auto", updates.append)
pods.start()
kernel.start()
until(lambda: sink.last_state("kubelet log")[0] not in ("", "connecting") and bool(updates))
print(("kubelet log", *sink.last_state("kubelet log")), updates[-1].source, updates[-1].problem)
"""
MOUNTS = "mount -t tmpfs -o mode=755 none /var/log && mount -t tmpfs none /run && mount --bind /dev/null /dev/kmsg"
MOUNTS += " && mount -t tmpfs -o mode=755 none /var/lib && mkdir /var/lib/kubelet"


NO_KMSG = "/dev/kmsg: not a kernel log: it is device 1:3, /dev/kmsg is character device 1:11"
as_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare (util-linux)"
)


@pytest.mark.slow
@as_root
@pytest.mark.parametrize(
    ("made", "refused"),
    [
        ("echo x > /var/log/syslog && chmod 666 /var/log/syslog", "/var/log/syslog can be written by everyone"),
        (
            "mkdir -m 777 /var/log/x && echo x > /var/log/x/syslog && ln -s x/syslog /var/log/syslog",
            "/var/log/x can be written by everyone",
        ),
        ("echo 'Nov 29 09:00:00 node kubelet[7]: x' > /var/log/syslog", None),
    ],
)
def test_a_refused_log_is_named_with_why(made: str, refused: str | None) -> None:
    done = reported(made)
    if refused is None:
        assert "'live'" in done.stdout and "/var/log/syslog /dev/kmsg" in done.stdout, done.stderr
    else:
        assert f"('kubelet log', 'refused', 'not read: {refused}" in done.stdout, done.stderr
        assert f"none {NO_KMSG}; {refused}" in done.stdout


@pytest.mark.slow
@as_root
def test_a_refused_journalctl_is_named_with_why() -> None:
    if (program := shutil.which("journalctl")) is None:
        pytest.skip("journalctl is not installed")
    planted = f"cp {program} /run/x && chown 65534 /run/x && mount --bind /run/x {program} && mkdir /var/log/journal"
    done = reported(planted)
    why = f"the journal can't be read: {program} belongs to uid 65534, not to root"
    assert f"none {NO_KMSG}; {why}" in done.stdout, done.stderr
    assert f"('kubelet log', 'absent', \"{why}" in done.stdout


def reported(made: str) -> subprocess.CompletedProcess[str]:
    """Return what the readers report on a node with logs made by this command."""
    inside = f'umask 022; {MOUNTS} && {made} && exec "$@"'
    called = ["unshare", "-m", "sh", "-c", inside, "sh", sys.executable, "-c", READ]
    done = subprocess.run(called, capture_output=True, text=True, timeout=60, check=False, cwd=REPOSITORY)
    if "mount" in done.stderr:
        pytest.skip(f"no mount here: {done.stderr}")
    return done
