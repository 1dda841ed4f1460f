"""Runs a kubeconfig's credential plug-in, by the protocol of client.authentication.k8s.io (v1 and v1beta1).

Documented in https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.trust import PROGRAM_FOLDERS
from fragtui.sources.pods.kubernetes.kubeconfig import Settings
from fragtui.sources.pods.kubernetes.kubeconfig_place import CredentialsError, KubeconfigLocation
from fragtui.text import printable

_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_LIMIT_SECONDS = 60.0
"""It may call a cloud service."""
_LIMIT = 1 << 20
_WORDS = 4096
_EXTENSION = "client.authentication.k8s.io/exec"


@dataclass(frozen=True, slots=True)
class Answer:
    """A plug-in's answer: a token, or a certificate with its key in PEM, or both."""

    token: str | None = field(repr=False)
    certificate: str | None = field(repr=False)
    key: str | None = field(repr=False)
    expires: float | None
    """Seconds since the epoch; None if not given."""


def ask_plugin(settings: Settings, cluster: Settings, authority: str | None, place: KubeconfigLocation) -> Answer:
    """Run the plug-in of a user (``exec``) for a cluster. Raises `CredentialsError` with the reason."""
    version = settings.text("apiVersion")
    if version not in _VERSIONS:
        raise CredentialsError(f"the credential plug-in's apiVersion is not {' or '.join(_VERSIONS)}")
    if settings.text("interactiveMode") == "Always":
        raise CredentialsError("the credential plug-in wants a terminal (interactiveMode: Always)")
    command = settings.text("command")
    if not command:
        raise CredentialsError("the kubeconfig's credential plug-in has no command")
    program = place.program(command)
    # A program that the user did not name gets nothing of the caller's environment, who may not be root.
    env = dict(os.environ) if place.given else {"LC_ALL": "C", "PATH": ":".join(PROGRAM_FOLDERS)}
    env.update((each.text("name"), each.text("value")) for each in settings.each("env"))
    env["KUBERNETES_EXEC_INFO"] = json.dumps(_question(version, settings, cluster, authority))
    out = _run([program, *settings.texts("args")], env, None if place.given else "/", printable(command, 80))
    return _read_answer(out, version)


def _question(version: str, settings: Settings, cluster: Settings, authority: str | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"interactive": False}
    if settings.flag("provideClusterInfo"):
        extensions = {each.text("name"): each.entries.get("extension") for each in cluster.each("extensions")}
        facts = {
            "server": cluster.text("server"),
            "tls-server-name": cluster.text("tls-server-name"),
            "insecure-skip-tls-verify": cluster.flag("insecure-skip-tls-verify"),
            "certificate-authority-data": base64.b64encode((authority or "").encode()).decode(),
            "proxy-url": cluster.text("proxy-url"),
            "config": extensions.get(_EXTENSION),
        }
        spec["cluster"] = {name: value for name, value in facts.items() if value}
    return {"apiVersion": version, "kind": "ExecCredential", "spec": spec}


def _run(argv: list[str], env: dict[str, str], folder: str | None, name: str) -> bytes:
    before = _group()
    try:
        child = subprocess.Popen(
            argv,
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        words = os_reason(error) if isinstance(error, OSError) else "an argument holds a zero byte"
        raise CredentialsError(f"the credential plug-in {name} can't be run: {words}") from None
    try:
        out, err, status = _communicate(child)
    except _TooMuch as error:
        raise CredentialsError(f"the credential plug-in {name} {error}") from None
    finally:
        _end(child, before)
    if status != 0:
        lines = err.decode("utf-8", "replace").strip().splitlines()
        last_line = f": {printable(lines[-1], 200)}" if lines else ""
        raise CredentialsError(f"the credential plug-in {name} ended with status {status}{last_line}")
    return out


class _TooMuch(Exception):
    """It took too long or wrote too much."""


def _communicate(child: subprocess.Popen[bytes]) -> tuple[bytes, bytes, int]:
    """Return its output, the end of its error output, and its status. Raises `_TooMuch`."""
    assert child.stdout is not None and child.stderr is not None
    end = time.monotonic() + _LIMIT_SECONDS
    out, err = bytearray(), bytearray()
    with selectors.DefaultSelector() as waiting, child.stdout, child.stderr:
        waiting.register(child.stdout, selectors.EVENT_READ, out)
        waiting.register(child.stderr, selectors.EVENT_READ, err)
        while waiting.get_map():
            ready = waiting.select(max(0.0, end - time.monotonic()))
            if not ready:
                raise _TooMuch(f"gave no credentials within {_LIMIT_SECONDS:.0f} s")
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                if not data:
                    waiting.unregister(key.fileobj)
                key.data.extend(data)
            del err[:-_WORDS]
            if len(out) > _LIMIT:
                raise _TooMuch(f"wrote more than {_LIMIT} bytes")
            if time.monotonic() > end:
                raise _TooMuch(f"gave no credentials within {_LIMIT_SECONDS:.0f} s")
    try:
        return bytes(out), bytes(err), child.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise _TooMuch(f"did not end within {_LIMIT_SECONDS:.0f} s") from None


def _group() -> set[int]:
    """Return the processes of this process group."""
    members, group = set(), os.getpgrp()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if os.getpgid(int(entry.name)) == group:
                    members.add(int(entry.name))
    return members


def _end(child: subprocess.Popen[bytes], before: set[int]) -> None:
    """Kill a plug-in and its children: the processes of this group that were not in it before.

    It has no process group of its own, so killing the API child's group ends the plug-in too.
    """
    child.kill()
    for pid in _group() - before:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    child.wait()


def _read_answer(out: bytes, version: str) -> Answer:
    try:
        answer = json.loads(out)
    except (ValueError, RecursionError):
        raise CredentialsError("the credential plug-in's answer is not JSON") from None
    status = answer.get("status") if isinstance(answer, dict) else None
    if not isinstance(status, dict) or answer.get("kind") != "ExecCredential" or answer.get("apiVersion") != version:
        raise CredentialsError(f"the credential plug-in's answer is not an ExecCredential of {version}")
    token, certificate, key = (
        value if isinstance(value := status.get(name), str) and value else None
        for name in ("token", "clientCertificateData", "clientKeyData")
    )
    if (certificate is None) is not (key is None) or (token is None and certificate is None):
        raise CredentialsError("the credential plug-in gave neither a token nor a certificate with its key")
    return Answer(token, certificate, key, _moment(status.get("expirationTimestamp")))


def _moment(stamp: object) -> float | None:
    if stamp is None:
        return None
    try:
        moment = datetime.fromisoformat(str(stamp)[:40])
        if moment.tzinfo is None:
            raise ValueError
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise CredentialsError("the credential plug-in's expirationTimestamp is not a time") from None
