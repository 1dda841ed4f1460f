"""``fragtui ship``: fragtui for a node as one file or an image, and what Kubernetes and its tools run it with."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_progress
from fragtui.commands.cli.output_options import add_quiet
from fragtui.commands.fix.gate_options import need_of
from fragtui.commands.ship.gate_recipes import DEFAULT_NEED, gate_daemon_set, gate_drop_in, gate_pod, gate_prolog
from fragtui.commands.ship.image import write_image
from fragtui.commands.ship.kubectl_plugin import SCRIPT_NAME, URI, write_plugin
from fragtui.commands.ship.manifests import IMAGE, debug_line, kustomization, write_kustomization
from fragtui.commands.ship.npd_monitor import npd_monitor
from fragtui.commands.ship.zipapp import NotBuilt, build_zipapp
from fragtui.sources.files.host_files import os_reason
from fragtui.text import printable

HELP = "make a one-file zipapp, an image, Kubernetes manifests, a kubectl plug-in, and more"

PROGRAM_PATH = "/usr/local/bin/fragtui"
_GATES = ("gate-pod", "gate-daemonset", "gate-drop-in", "gate-prolog")
_KINDS = ("zipapp", "image", "manifests", "krew", "npd", "debug-line", *_GATES)
_DEFAULTS = {
    "zipapp": Path("fragtui.pyz"),
    "image": Path("fragtui-image"),
    "manifests": Path("fragtui-manifests"),
    "krew": Path("fragtui-krew"),
}
"""What is written, and where if the user names no place; the others are printed."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("what", choices=_KINDS, metavar="WHAT", help=f"what to make: {', '.join(_KINDS)}")
    places = ", ".join(f"{kind}: {path}" for kind, path in _DEFAULTS.items())
    parser.add_argument("path", nargs="?", type=Path, metavar="PATH", help=f"file or folder to write ({places})")
    parser.add_argument("--image", type=_image, default=IMAGE, metavar="IMAGE", help=f"name of the image ({IMAGE})")
    parser.add_argument("--base", type=_base, metavar="IMAGE@DIGEST", help="image: what it is built on")
    parser.add_argument("--guard", action="store_true", help="manifests: a guard in treat, at first in a dry run")
    parser.add_argument("--node", default="NODE", metavar="NAME", help="debug-line: name of the node")
    parser.add_argument("--uri", type=_uri, default=URI, metavar="URL", help=f"krew: place of the archive ({URI})")
    parser.add_argument(
        "--program",
        default=PROGRAM_PATH,
        metavar="FILE",
        help=f"npd, gate-drop-in, gate-prolog: fragtui's path ({PROGRAM_PATH})",
    )
    parser.add_argument(
        "--need", type=_need, default=DEFAULT_NEED, metavar="NxSIZE", help=f"gate-...: blocks needed ({DEFAULT_NEED})"
    )
    add_quiet(parser)


def _image(text: str) -> str:
    name, _, rest = text.rpartition(":")
    if not text.isprintable() or any(sign in text for sign in " \"'{}") or text.startswith("-"):
        raise argparse.ArgumentTypeError(f"{printable(text)}: expected the name of an image")
    if not name or "/" in rest or rest == "latest":
        raise argparse.ArgumentTypeError(f"{text}: expected a tag or a digest, and not latest: NAME:TAG")
    return text


def _need(text: str) -> str:
    need_of(text)
    return text


def _base(text: str) -> str:
    if re.fullmatch(r"[\w./:-]+@sha256:[0-9a-f]{64}", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(f"{printable(text)}: expected an image by its digest: NAME@sha256:...")
    return text


def _uri(text: str) -> str:
    if re.fullmatch(r"https?://[\w.~:/?#@!$&()*+,;=%-]+", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(f"{printable(text)}: expected a URL")
    return text


def run(args: argparse.Namespace) -> int:
    """Write or print it; return whether that failed as exit status."""
    if args.what in _DEFAULTS:
        path = args.path or _DEFAULTS[args.what]
        try:
            return _MAKERS[args.what](args, path)
        except (NotBuilt, OSError) as error:
            name = error.filename if isinstance(error, OSError) and error.filename else path
            why = os_reason(error) if isinstance(error, OSError) else str(error)
            print(f"fragtui ship: can't write {printable(str(name))}: {why}", file=sys.stderr)
            return Exit.FAILED
    print(_PRINTED[args.what](args), end="")
    return Exit.DONE


def _zipapp(args: argparse.Namespace, target: Path) -> int:
    left_out = build_zipapp(target)
    size = target.stat().st_size / (1 << 20)
    print(f"{printable(str(target))}: {size:.1f} MiB, runs with Python 3.11 or later and nothing else")
    for name, why in left_out:
        print(f"  without {name}: {why}")
    return Exit.DONE


def _manifests(args: argparse.Namespace, folder: Path) -> int:
    files = kustomization(args.image, guard=args.guard)
    write_kustomization(folder, files)
    report_progress(args, f"{printable(str(folder))}: {len(files)} files; kubectl kustomize shows what they make")
    return Exit.DONE


def _image_folder(args: argparse.Namespace, folder: Path) -> int:
    write_image(folder, args.image, args.base)
    report_progress(args, f"{printable(str(folder))}: Containerfile and fragtui.pyz; podman build makes the image")
    return Exit.DONE


def _krew(args: argparse.Namespace, folder: Path) -> int:
    write_plugin(folder, args.image, args.uri)
    report_progress(args, f"{printable(str(folder))}: {SCRIPT_NAME} runs from PATH; fragtui.yaml is for krew")
    return Exit.DONE


_MAKERS = {"zipapp": _zipapp, "image": _image_folder, "manifests": _manifests, "krew": _krew}
_PRINTED: dict[str, Callable[[argparse.Namespace], str]] = {
    "npd": lambda args: npd_monitor(args.program),
    "debug-line": lambda args: debug_line(args.node, args.image),
    "gate-pod": lambda args: gate_pod(args.need, args.image),
    "gate-daemonset": lambda args: gate_daemon_set(args.need, args.image),
    "gate-drop-in": lambda args: gate_drop_in(args.need, args.program),
    "gate-prolog": lambda args: gate_prolog(args.need, args.program),
}
