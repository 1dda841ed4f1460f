"""Whatever is typed, given or taken away: one line that says what was expected, and an exit status."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import build, main, parse
from fragtui.commands.cli.verbs import VERBS
from fragtui.model.node.verdict import COSTLY_ORDER
from fragtui.remedies.guard.policy import Policy
from tests.support.host_tree import HostTree
from tests.support.places import REPOSITORY

CASES = [
    ("check --order 99", 3, "99: expected an order, 0 to 30"),
    ("check --order -1", 3, "expected"),
    ("check --order x", 3, "x: expected an order"),
    ("check --order ²", 3, "expected an order"),
    ("check --root missing", 3, "missing: expected a directory, it does not exist"),
    ("check --root bin", 3, "bin: expected a directory, this is a file"),
    ("check --root packed.tar.xz", 3, "unpack it first: tar -xf packed.tar.xz"),
    ("check --roo host", 3, "unknown option --roo. Did you mean --root?"),
    ("check extra", 3, "unexpected argument 'extra'"),
    ("chekc", 2, "unknown command 'chekc'. Did you mean check?"),
    ("--roto host", 2, "unknown option --roto. Did you mean --root?"),
    ("--roto host check", 3, "unknown option --roto. Did you mean --root?"),
    ("--nothing-like-it", 2, "unknown option --nothing-like-it. (see"),
    ("-x", 2, "unknown option -x"),
    ("help chekc", 2, "unknown command 'chekc'. Did you mean check?"),
    ("check --read-only", 3, "option --read-only means nothing to check"),
    ("--order 3 version", 2, "option --order means nothing to version"),
    ("--interval 0", 2, "0: expected 0.2 to 60 seconds"),
    ("--interval nan", 2, "nan: expected"),
    ("--interval x", 2, "x: expected 0.2 to 60 seconds"),
    ("--kubeconfig missing", 2, "missing: expected a file, it does not exist"),
    ("--kubeconfig dir", 2, "dir: expected a file, this is a directory"),
    ("--theme nope", 2, "nope: expected one of"),
    ("explain missing", 1, "missing: no such file or directory"),
    ("explain dir", 1, "dir: a directory without a log"),
    ("explain bad.gz", 1, "bad.gz: "),
    ("explain bad.xz", 1, "bad.xz: damaged"),
    ("explain bad.zst", 1, "bad.zst: "),
    ("gfp", 2, "required: MODE"),
    ("gfp 0xNOPE --kernel 4.19", 2, "0xNOPE: expected a number such as 0x40cc0"),
    ("gfp GFP_KERNEL|__GFP_NOWRN --kernel 4.19", 2, "unknown flag __GFP_NOWRN on 4.19. Did you mean __GFP_NOWARN"),
    ("gfp GFP_KERNEL --root host --kernel 2.6.9", 2, "the kernel is unknown"),
    ("gfp 0xcc0 --kernel abc", 2, "abc: expected a release"),
    ("export --rules --dashboard", 2, "--dashboard and --rules exclude each other"),
    ("export --dashboard --textfile x", 2, "--dashboard and --textfile exclude each other"),
    ("record", 2, "required: FILE"),
    ("record dir --for 1", 1, "can't write dir: "),
    ("record bin --for 1", 1, "can't write bin: file exists"),
    ("record no/x.rec --for 1", 1, "can't write no/x.rec: no such file or directory"),
    ("record x.rec --for soon", 2, "soon: expected a time such as"),
    ("record x.rec --interval nan", 2, "nan: expected"),
    ("replay missing", 2, "missing: no such file or directory"),
    ("replay dir", 2, "dir: a directory, not a file"),
    ("replay bin", 2, "bin: not a recording of fragtui"),
    ("replay later.rec", 2, "later.rec: a recording of version 9"),
    ("replay cut.rec", 2, "cut.rec: no whole sample in this recording"),
    ("report --root host -o dir", 1, "can't write dir: a directory, not a file"),
    ("report --root host -o no/x.md", 1, "can't write no/x.md: no such file or directory"),
    ("report --root host -o /dev/full", 1, "/dev/full: no space left on device"),
    ("export --listen x", 2, "x: expected [HOST:]PORT"),
    ("export --listen 99999", 2, "99999: expected"),
    ("export --listen 192.0.2.1:9917", 1, "192.0.2.1:9917: cannot assign"),
    ("export --textfile no/x.prom --root host", 1, "no/x.prom: no such file or directory"),
    ("export --textfile pipe --root host", 1, "pipe: not a regular file"),
    ("export --textfile x.prom --rules", 2, "not allowed with"),
    ("drop-caches 4", 2, "4: expected 1, 2 or 3"),
    ("drop-caches --root dir --yes", 3, "not run: "),
    ("compact --node x", 2, "x: expected a NUMA node number"),
    ("compact --yes --read-only", 3, "--read-only"),
    ("guard --policy missing", 2, "missing: expected a readable file"),
    ("guard --policy broken.toml", 2, "broken.toml: line 2: expected TOML"),
    ("guard --policy wrong.toml", 2, "wrong.toml: line 1: ordr: expected one of"),
    ("guard --policy bin", 2, "bin: expected UTF-8"),
    ("guard --quiet 25:00-26:00", 2, "expected spans such as"),
    ("guard --root dir", 3, "not guarding: "),
    ("history --last 0", 2, "0: expected a number of remedies"),
    ("history --audit dir", 3, "dir: is a directory"),
    ("history --audit no/file", 3, "can't read no/file: no such file or directory"),
    ("history --json --audit no/file", 3, "can't read no/file: no such file or directory"),
    ("completion", 2, "required: bash|zsh|"),
    ("completion ksh", 2, "ksh: expected bash, zsh, "),
    ("man x", 2, "unexpected argument 'x'"),
    ("ship", 2, "required: WHAT"),
    ("ship nope", 2, "nope: expected zipapp, image, manifests, krew, npd, debug-line, gate-pod, "),
    ("ship zipap", 2, "Did you mean zipapp?"),
    ("ship zipapp dir", 1, "dir: a directory, not a file"),
    ("ship zipapp pipe", 1, "pipe: not a regular file"),
    ("ship zipapp no/x.pyz", 1, "no/x.pyz: no such file or directory"),
    ("ship image i --base python:3.11", 2, "python:3.11: expected an image by its digest"),
    ("ship krew bin", 1, "bin: file exists"),
    ("ship krew k --uri x", 2, "x: expected a URL"),
    ("ship manifests bin", 1, "bin: file exists"),
    ("ship manifests m --image f:latest", 2, "f:latest: expected a tag or a digest"),
]
"""Command line, exit status, what standard error says."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    HostTree.small(tmp_path / "host")
    (tmp_path / "dir").mkdir()
    (tmp_path / "bin").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "packed.tar.xz").write_bytes(b"\xfd7zXZ\x00")
    for name, data in (
        ("bad.gz", b"\x1f\x8b\x08\x00noise"),
        ("bad.xz", b"\xfd7zXZ\x00" + b"noise" * 20),
        ("bad.zst", b"\x28\xb5\x2f\xfdnoise"),
        ("later.rec", gzip.compress(b'["fragtui recording",9,\n')),
        ("cut.rec", gzip.compress(b'["fragtui recording",2,')),
        ("broken.toml", b"order = [\n"),
        ("wrong.toml", b"ordr = 3\n"),
    ):
        (tmp_path / name).write_bytes(data)
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.mark.parametrize(("line", "status", "said"), CASES, ids=[case[0] for case in CASES])
def test_bad_input_gets_one_line_and_a_status(
    place: Path, capsys: pytest.CaptureFixture[str], line: str, status: int, said: str
) -> None:
    try:
        found = main(line.split())
    except SystemExit as stopped:
        found = int(stopped.code or 0)
    printed = capsys.readouterr().err
    assert found == status, printed
    assert said in printed
    assert printed.count("\n") == 1, "one line"
    verb = next((word for word in line.split() if word in VERBS), None)
    assert printed.startswith(f"fragtui {verb}: " if verb else "fragtui: ")
    assert (place / "pipe").is_fifo(), "nothing that is no regular file is replaced"


def test_a_file_of_noise_as_audit_log_gets_a_few_lines(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "--audit", "bin"]) == 3
    assert capsys.readouterr().err.count("\n") <= 4


def test_names_of_directories_cannot_move_the_cursor(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = place / "d\x1b[31m\udcff"
    (evil / "proc").mkdir(parents=True)
    for verb in ("check", "report", "history", "export --textfile x.prom", "compact --yes", "guard"):
        main([*verb.split(), "--root", str(evil)])
        printed = capsys.readouterr()
        assert "\x1b" not in printed.out + printed.err, verb
        (printed.out + printed.err).encode()


def ran(line: str, redirect: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = ["bash", "-c", f"{sys.executable} -m fragtui {line} {redirect}; exit ${{PIPESTATUS[0]}}"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=REPOSITORY)


SHORT = [
    "check --root HOST",
    "check --json --root HOST",
    "man",
    "completion bash",
    "ship debug-line",
    "gfp 0xcc0 --root HOST",
    "export --rules",
]
"""Verbs that print; HOST is a small node."""


@pytest.mark.slow
@pytest.mark.parametrize("line", SHORT)
def test_a_full_disk_behind_standard_output_is_one_line(place: Path, line: str) -> None:
    done = ran(line.replace("HOST", str(place / "host")), ">/dev/full")
    verb = line.split(maxsplit=1)[0]
    assert (done.returncode, done.stderr) == (
        3 if verb == "check" else 1,
        f"fragtui {verb}: standard output: no space left on device\n",
    )


@pytest.mark.slow
@pytest.mark.parametrize("line", SHORT)
def test_closed_standard_streams_are_no_fault(place: Path, line: str) -> None:
    for redirect in (">&-", "<&-", "2>&-", "<&- >&-"):
        done = ran(line.replace("HOST", str(place / "host")), redirect)
        assert (done.returncode, done.stderr) == (0, ""), redirect


@pytest.mark.slow
def test_a_recording_is_not_what_is_printed(place: Path) -> None:
    """With standard output closed the next file opened has its number."""
    done = ran(f"record {place / 'x.rec'} --root {place / 'host'} --for 0.5 --kubelet-log none", ">&-")
    assert done.returncode == 0, done.stderr
    assert b"samples in" not in (place / "x.rec").read_bytes()
    assert gzip.decompress((place / "x.rec").read_bytes()).startswith(b'["fragtui recording",2,')


@pytest.mark.slow
def test_a_reader_that_leaves_ends_it_quietly(place: Path) -> None:
    log = place / "many.log"
    head = "Jan  1 10:00:00 n kernel: a: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)\n"
    log.write_text("".join(head.replace("a:", f"a{number}:") for number in range(3000)))
    done = ran(f"explain --all {log}", "| head -1")
    assert (done.returncode, done.stderr) == (141, "")


def test_the_help_of_every_verb_has_its_exit_status() -> None:
    parser = build((), whole=True)
    texts = {"": parser.format_help()}
    for verb in VERBS:
        child = build((verb, "--help"))
        found = next(action for action in child._actions if action.dest == "==SUPPRESS==" or action.choices)
        assert isinstance(found.choices, dict)
        texts[verb] = found.choices[verb].format_help()
    for verb, text in texts.items():
        assert "Exit status: 0" in text.replace("\n", " "), verb


@pytest.mark.parametrize(("verb", "order"), [("guard", Policy().order), ("fleet", COSTLY_ORDER)])
def test_the_help_has_the_order_of_a_verb_that_reads_no_failures(
    verb: str, order: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse((verb, "--help"))
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(rf"--order K target order \(default: [^)]*\b{order}\)", said) and "latest failures" not in said
