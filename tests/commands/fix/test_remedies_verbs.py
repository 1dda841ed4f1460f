"""The verbs that run a remedy, without harm, and the history; their real effect is tested in the lab."""

import argparse
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from fragtui.commands.cli.parser import common_options
from fragtui.commands.fix import compact, drop_caches, reclaim
from fragtui.commands.fix import run_remedy as treatment
from fragtui.commands.look import history
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.remedy_history import EndEntry, EvidenceEntry, IntentEntry, Result
from fragtui.remedies import escalation
from fragtui.remedies import runner as run_module
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import RECLAIM, Action, Remedy, RemedyStep
from tests.support.cgroup_tree import OTHER_PODS, OTHER_UID, put_v1, put_v2
from tests.support.host_tree import HostTree
from tests.support.remote_node import remote_program

FILTER = f"proc/{os.getpid()}/coredump_filter"
HARMLESS = Remedy("harmless", "Harmless", (RemedyStep(Action.WRITE, FILTER, "0x33"),), Effect(page_cache=True), "", "")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(run_module, "lock_directories", lambda root, audit: (tmp_path,))
    monkeypatch.setattr(escalation, "SETTLE_SECONDS", 0.0)
    before = Path("/", FILTER).read_text()
    yield
    Path("/", FILTER).write_text("0x" + before)


def parsed(verb: ModuleType, *words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(parents=[common_options()])
    verb.configure(parser)
    return parser.parse_args(words)


def drops() -> list[str]:
    return [line for line in Path("/proc/vmstat").read_text().splitlines() if line.startswith("drop_")]


def test_read_only_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit = tmp_path / "audit.jsonl"
    for verb in (drop_caches, compact):
        assert verb.run(parsed(verb, "--yes", "--read-only", "--audit", str(audit))) == 3
    assert capsys.readouterr().err.count("not run: --read-only") == 2
    assert not audit.exists()


def test_saved_files_are_refused_and_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "proc/sys/vm").mkdir(parents=True)
    (tmp_path / "proc/sys/vm/drop_caches").write_text("0")
    assert drop_caches.run(parsed(drop_caches, "3", "--yes", "--json", "--root", str(tmp_path))) == 3
    said = capsys.readouterr()
    assert "saved copy" in said.err and json.loads(said.out)["result"] == "refused"
    assert (tmp_path / "proc/sys/vm/drop_caches").read_text() == "0"


def test_reclaim_prints_the_cgroups_and_takes_the_one_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ran(*words: str) -> tuple[int, str, str]:
        status = reclaim.run(parsed(reclaim, *words, "--yes", "--root", str(tmp_path)))
        return status, *capsys.readouterr()

    assert ran()[0] == 3
    put_v2(tmp_path, "apps/web", 1 << 20, dirty=4096)
    folder = put_v2(tmp_path, OTHER_PODS, 90 << 20)
    put_v2(tmp_path, "apps/web-2", 1 << 20)
    status, out, err = ran()
    assert (status, err) == (0, "") and out.splitlines()[0].split() == [
        "90M", "page", "cache,", "0B", "dirty", f"/{OTHER_PODS}"
    ]  # fmt: skip
    status, out, _ = ran("--json")
    assert status == 0 and json.loads(out)["cgroups"][0] == {"path": f"/{OTHER_PODS}", "cache": 90 << 20, "dirty": 0}
    for name, why in (("web", "2 cgroups of those"), ("nothing", "none of the 3 cgroups"), ("", "none of the 3")):
        status, _, err = ran(name)
        assert status == 2 and why in err
    (folder / "memory.reclaim").write_text("")
    status, out, err = ran(OTHER_UID, "--json", "--amount", "8M")
    assert status == 3 and json.loads(out)["remedy"] == RECLAIM and "not a file of this kernel" in err
    assert ran("/apps/web", "--json")[0] == 3, "the whole path names one, whatever else contains it"
    assert (folder / "memory.reclaim").read_text() == ""


def test_an_amount_of_a_cgroup_of_version_1_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_v1(tmp_path, "pod", 90 << 20)
    assert reclaim.run(parsed(reclaim, "pod", "--yes", "--root", str(tmp_path), "--amount", "8M")) == 2
    assert "reclaims all that it can" in capsys.readouterr().err


def test_reclaim_where_no_cgroup_can_be_read_is_not_possible(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ((), ("pod",)):
        assert reclaim.run(parsed(reclaim, *words, "--yes", "--root", str(tmp_path))) == 3
        assert "no memory controller is mounted" in capsys.readouterr().err


@as_root
def test_only_yes_runs_a_remedy_without_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, audit = drops(), tmp_path / "audit.jsonl"
    assert drop_caches.run(parsed(drop_caches, "1", "--sync", "--audit", str(audit))) == 2
    said = capsys.readouterr()
    assert "--yes runs it" in said.err
    assert "writes '1' to /proc/sys/vm/drop_caches" in said.out and "sync(2)" in said.out
    assert not audit.exists() and drops() == before


@as_root
def test_a_log_that_cannot_be_written_stops_it(capsys: pytest.CaptureFixture[str]) -> None:
    before = drops()
    assert drop_caches.run(parsed(drop_caches, "--yes", "--audit", "/proc/none/audit.jsonl")) == 3
    assert "audit log can't be written" in capsys.readouterr().err
    assert drops() == before


def test_plan_run_and_report_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit = tmp_path / "audit.jsonl"
    assert treatment.run_remedy(parsed(compact, "--yes", "--audit", str(audit)), HARMLESS) == 0
    said = capsys.readouterr().out
    for part in (
        f"writes '0x33' to /{FILTER}",
        f"Logged to {audit} before it runs",
        "Harmless: done in",
        "Blocks of 32K (order 3): ",
        "Cost: ",
    ):
        assert part in said
    intent, ended, look = AuditLog(audit).read().entries
    assert isinstance(intent, IntentEntry) and intent.by == "command" and intent.order == 3
    assert isinstance(ended, EndEntry) and ended.result is Result.DONE
    assert isinstance(look, EvidenceEntry) and look.after == 0


def test_plan_run_and_report_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit = tmp_path / "audit.jsonl"
    args = parsed(compact, "--yes", "--json", "--order", "2", "--audit", str(audit))
    assert treatment.run_remedy(args, HARMLESS) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["result"] == "done" and report["order"] == 2 and report["audit"] == str(audit)
    assert set(report["blocks"]) == {"before", "after", "gained"}
    assert report["blocks"]["gained"] == report["blocks"]["after"] - report["blocks"]["before"]
    assert all({"node", "zone", "before", "after"} <= set(zone) for zone in report["zones"])


def test_follow_measures_the_gain_for_the_given_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--yes", "--json", "--follow", "1s", "--audit", str(tmp_path / "audit.jsonl"))
    start = time.monotonic()
    assert treatment.run_remedy(parsed(drop_caches, *words), HARMLESS) == 0
    assert time.monotonic() - start >= 1
    fields = json.loads(capsys.readouterr().out)
    assert fields["looks"] == [] and "half_life_seconds" in fields
    with pytest.raises(SystemExit):
        parsed(drop_caches, "--follow", "soon")


def test_a_step_that_fails_has_its_own_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Remedy("wrong", "Wrong", (RemedyStep(Action.WRITE, FILTER, "nonsense"),), Effect(), "", "")
    assert treatment.run_remedy(parsed(compact, "--yes", "--audit", str(tmp_path / "a")), wrong) == 1
    assert "EINVAL" in capsys.readouterr().out


def test_an_unknown_outcome_is_reported_at_the_next_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit = tmp_path / "audit.jsonl"
    AuditLog(audit).append(IntentEntry("lost", time.time(), "compact", (), (), "screen", 1 << 22, 0, boot="earlier"))
    treatment.run_remedy(parsed(compact, "--yes", "--audit", str(audit)), HARMLESS)
    assert "compact by screen (pid 4194304) did not report back" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["4"], ["--node", "1"], ["x"]])
def test_other_values_are_wrong_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parsed(drop_caches, *words)
    assert left.value.code == 2
    with pytest.raises(SystemExit):
        parsed(compact, "--node", "-1")
    with pytest.raises(SystemExit):
        parsed(compact, "--node", "0", "--gentle")


def record(log: AuditLog, name: str, at: float, gained: int) -> None:
    log.append(
        IntentEntry(
            name, at, "drop-caches-1", ("writes '1'",), ("/x",), "guard", 7, 0, order=4, blocks=10, expected_blocks=90
        )
    )
    log.append(EndEntry(name, at + 2, Result.DONE, 2.0))
    log.append(EvidenceEntry(name, at + 3, 0, 4, 10 + gained))
    log.append(EvidenceEntry(name, at + 300, 300, 4, 11, half_life=120.0))


def test_the_history_shows_the_gain_and_how_long_it_lasted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, now = AuditLog(tmp_path / "audit.jsonl"), time.time()
    for number in range(3):
        record(log, str(number), now - 9000 + number * 1000, 80)
    log.append(IntentEntry("open", now - 50, "compact", (), (), "screen", os.getpid(), 0, boot=None))
    log.append(IntentEntry("lost", now - 40, "compact", (), (), "screen", 1 << 22, 0, boot="earlier"))
    assert history.run(parsed(history, "--audit", str(log.path))) == 0
    said = capsys.readouterr().out
    assert said.count("80 blocks of order 4 gained, forecast 90; half of it gone after 2m00s") == 3
    assert "did not report back" in said
    assert "The third remedy in 24 hours, and the gain does not last" in said
    assert history.run(parsed(history, "--audit", str(log.path), "--json", "--last", "2")) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines] == ["open", "lost"] and lines[1]["state"] == "unknown"


def test_an_empty_and_an_unreadable_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert history.run(parsed(history, "--root", str(tmp_path))) == 0
    assert capsys.readouterr().out == f"No remedy logged: {tmp_path}/var/log/fragtui/audit.jsonl does not exist.\n"
    (tmp_path / "empty").touch(0o600)
    assert history.run(parsed(history, "--audit", str(tmp_path / "empty"))) == 0
    assert capsys.readouterr().out == f"No remedy logged: {tmp_path}/empty has none.\n"
    assert history.run(parsed(history, "--audit", str(tmp_path / "none"))) == 3
    assert "no such file or directory" in capsys.readouterr().err
    assert history.run(parsed(history, "--audit", str(tmp_path))) == 3


def attached(folder: Path, *words: str, seconds: float = 300.0) -> subprocess.Popen[str]:
    command = [str(remote_program(folder, seconds)), "drop-caches", "1", "--yes", "--attached=vm-7", *words]
    environment = {**os.environ, "NODE_NAME": "vm-7", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


@as_root
@pytest.mark.slow
def test_attached_it_reports_each_second_and_its_input_is_a_leash(tmp_path: Path) -> None:
    child = attached(tmp_path)
    assert child.stdout is not None and child.stdin is not None
    begun = json.loads(child.stdout.readline())
    assert begun["result"] is None and begun["remedy"] == "drop-caches-1" and begun["aborting"] is False
    assert json.loads(child.stdout.readline())["seconds"] >= 1.0
    child.stdin.close()
    *_, ended = map(json.loads, child.stdout)
    assert ended["result"] == "aborted" and child.wait() == 130
    intent, end, _ = AuditLog(tmp_path / "audit.jsonl").read().entries
    assert isinstance(intent, IntentEntry) and intent.by == "remote screen" and intent.id == begun["id"] == ended["id"]
    assert isinstance(end, EndEntry) and end.result is Result.ABORTED


@as_root
@pytest.mark.slow
def test_attached_a_screen_that_reads_no_more_aborts_it(tmp_path: Path) -> None:
    child = attached(tmp_path)
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.wait(20) != 0
    (end,) = (entry for entry in AuditLog(tmp_path / "audit.jsonl").read().entries if isinstance(entry, EndEntry))
    assert end.result is Result.ABORTED


def test_attached_it_runs_only_on_the_node_that_the_screen_shows_and_only_confirmed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = drops()
    monkeypatch.setattr(treatment, "disabled_because", lambda *_: None)
    assert drop_caches.run(parsed(drop_caches, "1", "--yes", "--attached", "no-such-node")) == 3
    answer = json.loads(capsys.readouterr().out)
    assert answer["result"] == "refused" and "the screen shows no-such-node, this is" in answer["explanation"]
    assert drop_caches.run(parsed(drop_caches, "1", "--attached", "no-such-node")) == 2
    assert "add --yes" in capsys.readouterr().err and drops() == before


def test_attached_is_no_way_around_the_name_that_the_sites_policy_asks_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    HostTree.small(tmp_path)
    policy = tmp_path / "etc/fragtui/config.toml"
    policy.parent.mkdir(parents=True)
    policy.write_text('confirm = "type"\n')
    policy.chmod(0o644)
    monkeypatch.setattr(treatment, "disabled_because", lambda *_: None)
    words = ("1", "--yes", "--attached=node-7", "--root", str(tmp_path), "--audit", str(tmp_path / "audit.jsonl"))
    for can_ask in (False, True):
        monkeypatch.setattr(treatment, "_can_ask", lambda can_ask=can_ask: can_ask)
        assert drop_caches.run(parsed(drop_caches, *words)) == 3
        answer = json.loads(capsys.readouterr().out)
        assert answer["result"] == "refused" and "asks for the node's name typed" in answer["explanation"]
        assert "run fragtui there" in answer["explanation"] and not (tmp_path / "audit.jsonl").exists()


@as_root
@pytest.mark.slow
def test_attached_input_that_ends_before_the_start_starts_nothing(tmp_path: Path) -> None:
    child = attached(tmp_path)
    out, _ = child.communicate("\n", timeout=60)
    assert json.loads(out)["result"] == "refused" and json.loads(out)["explanation"] == "aborted"
    assert child.returncode == 3 and not (tmp_path / "audit.jsonl").exists()
