"""Lines of containerd, dockerd and CRI-O -> observations of pod starts."""

from __future__ import annotations

import re
from dataclasses import replace

from fragtui.cluster.error_ids import container_id_in, pids_in, pod_in, sandbox_id_in
from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef, dashed_uid, runtime_name_ref
from fragtui.logs.klog import seconds_near
from fragtui.logs.timestamps import ISO, rfc3339_time

_METADATA = re.compile(
    r"RunPodSandbox for (?:name:|&?(?:PodSandboxMetadata)?\{Name:)\"?([^,\"\s]++)\"?,?\s*+"
    r"[Uu]id:\"?([^,\"\s]++)\"?,?\s*+"
    r"[Nn]amespace:\"?([^,\"\s]++)\"?,?\s*+(?:[Aa]ttempt:(\d++),?)?\s*+\}?\s*+(.*)",
    re.IGNORECASE | re.DOTALL,
)
_SANDBOX_RETURNED = re.compile(r"returns? sandbox id[ \\\"]+([0-9a-f]{64})")
_CONTAINER_FAILED = re.compile(
    r'^(?:StartContainer for "(?P<container>[0-9a-f]{64})|CreateContainer within sandbox "(?P<sandbox>[0-9a-f]{64}))"'
    r"(?: for &?(?:ContainerMetadata)?\{Name:(?P<name>[^,\s]{1,253}),)?.{0,400} failed"
)
_CONTAINER_CREATED = re.compile(
    r'^CreateContainer within sandbox "([0-9a-f]{64})" for &?(?:ContainerMetadata)?\{Name:([^,\s]{1,253}),.{0,80}'
    r'returns container id \\?"([0-9a-f]{64})'
)
_CONTAINER_STARTED = re.compile(r'^StartContainer for "([0-9a-f]{64})" returns successfully')
_SANDBOX_ID = re.compile(r"[0-9a-f]{64}")
"""The field that kata's shim adds to its lines."""
_CONTAINER_CALLS = ("RuntimeService/CreateContainer", "RuntimeService/StartContainer")
_CRIO_IDS = ("containerID", "sandboxID")
_CRIO_BEGINS = re.compile(r"^Running pod sandbox: ([^/\s]+)/([^/\s]+)/POD")
_CRIO_RUNS = re.compile(r"^Ran pod sandbox ([0-9a-f]{64}) with infra container: ([^/\s]+)/([^/\s]+)/POD")
_CRIO_CONTAINER = re.compile(
    r"^(?:Creating container:|Created container ([0-9a-f]{64}):) ([^/\s]+)/([^/\s]+)/([^/\s]+)$"
)
_DESCRIBED = re.compile(r"([^/\s]+)/([^/\s]+)/([^/\s]+)")
_DOCKER_STEPS = (
    ("containerd: start container", "docker-containerd"),
    ("Create container failed with error", "docker-create"),
    ("Handler for POST ", "docker-handler"),
    ("failed to start container", "docker-start"),
    ("Container creation error", "crio-create"),
    ("Failed to create container", "crio-create"),
    ("Failed to run pod sandbox", "crio-run"),
    ("error reserving pod name", "crio-name"),
    ("error reserving ctr name", "crio-name"),
    ("Error while adding pod to CNI network", "crio-cni"),
    ("Error adding pod ", "crio-cni"),
    ("Create new sandbox failed", "kata"),
    ("Create new container failed", "kata"),
    ("fatal task error", "swarm"),
    ("libcontainerd: error", "docker-containerd"),
    ("runc create failed", "runc"),
    ("nsexec", "runc-nsexec"),
)
_ENOMEM = re.compile(r"annot allocate memory|\bENOMEM\b")
_STARTS = re.compile(r"(?:container|sandbox|\bCNI\b|netns|namespace|\brunc\b|\bshim\b)", re.IGNORECASE)
_NO_START = re.compile(
    r"(?<!fork/)\bexec|probe|health|commit|\bkill|\bstop|remov|delet|destroy|stats|metrics|clean|tear|\bpaus|reap"
    r"|resiz|\bupdat|checkpoint",
    re.IGNORECASE,
)
"""Words of what happens to containers that run, or ended."""
_ERROR_LEVELS = frozenset({"error", "err", "fatal", "warning", "warn"})


def read_runtime_line(
    fields: dict[str, str], program: str | None, time: float | None, line: int | None
) -> tuple[PodObservation, ...]:
    """Return the observations of a runtime's line, empty for the many that are not about a pod's start. Never raises.

    `fields` are those of `parse_logfmt`, `time` is the log format's timestamp in epoch seconds (refined by the line's
    own).
    """
    time = _moment(fields.get("time", ""), time)
    message = fields.get("msg", "")
    source = program or "runtime"
    metadata = _METADATA.match(message)
    if metadata is not None:
        return _pod_sandbox(metadata, fields, source, time, line)
    request = fields.get("id") if "RuntimeService/" in fields.get("name", "") else None
    crio = _CRIO_RUNS.match(message)
    if crio is not None:
        pod = PodRef(crio.group(2), crio.group(3))
        return (PodObservation(PodFact.SANDBOX_RUNS, source, "ran", pod, time, line, sandbox_id=crio.group(1)),)
    crio = _CRIO_BEGINS.match(message)
    if crio is not None:
        pod = PodRef(crio.group(1), crio.group(2))
        return (PodObservation(PodFact.BEGINS, source, "running", pod, time, line, request=request),)
    if (container := _container(fields, message, source, time, line)) is not None:
        return (replace(container, request=request),)
    if fields.get("level", "error").lower() not in _ERROR_LEVELS:
        return ()
    failure = _failure(fields, message, source, time, line)
    if fields.get("name", "").endswith(_CONTAINER_CALLS):
        failure = tuple(replace(each, stage="container") for each in failure)
    return tuple(replace(each, request=request) for each in failure)


def _moment(own: str, transport: float | None) -> float | None:
    """Return the time of a line: its own full stamp is the truth; one without a zone refines the log format's."""
    if (time := rfc3339_time(own)) is not None or transport is None:
        return time
    match = ISO.match(own)
    if match is None:
        return transport
    return seconds_near(transport, int(match[5]) * 60 + int(match[6]) + float(f"0.{match[7] or 0}"))


def _pod_sandbox(
    metadata: re.Match[str], fields: dict[str, str], source: str, time: float | None, line: int | None
) -> tuple[PodObservation, ...]:
    name, uid, namespace, _, outcome = metadata.groups()
    pod = PodRef(namespace, name, dashed_uid(uid))
    returned = _SANDBOX_RETURNED.search(outcome)
    if returned is not None:
        return (PodObservation(PodFact.SANDBOX_RUNS, source, "returns", pod, time, line, sandbox_id=returned.group(1)),)
    if "fail" not in outcome and "error" not in fields:
        return (PodObservation(PodFact.BEGINS, source, "begins", pod, time, line),)
    error = fields.get("error") or outcome
    return (_failed(source, "runtime", pod, (time, line), error),)


def _container(
    fields: dict[str, str], message: str, source: str, time: float | None, line: int | None
) -> PodObservation | None:
    """Return which container the runtime has made or started, None for another line."""
    if (made := _CONTAINER_CREATED.match(message)) is not None:
        sandbox, name, made_id = made.groups()
        return _of_container(PodFact.NAMED, source, PodRef(), (time, line), name, made_id, sandbox)
    if (started := _CONTAINER_STARTED.match(message)) is not None:
        return _of_container(PodFact.CONTAINER_RUNS, source, PodRef(), (time, line), None, started[1])
    if (crio := _CRIO_CONTAINER.match(message)) is not None:
        pod = PodRef(crio[2], crio[3])
        return _of_container(PodFact.NAMED, source, pod, (time, line), crio[4], crio[1])
    if message == "Started container" and (described := _DESCRIBED.fullmatch(fields.get("description", ""))):
        pod = PodRef(described[1], described[2])
        ids = [fields[key] if _SANDBOX_ID.fullmatch(fields.get(key, "")) else None for key in _CRIO_IDS]
        return _of_container(PodFact.CONTAINER_RUNS, source, pod, (time, line), described[3], *ids)
    return None


def _of_container(
    fact: PodFact,
    source: str,
    pod: PodRef,
    when: tuple[float | None, int | None],
    name: str | None,
    container: str | None,
    sandbox: str | None = None,
) -> PodObservation:
    return PodObservation(
        fact, source, "container", pod, *when, sandbox_id=sandbox, container_id=container, container=name
    )


def _failure(
    fields: dict[str, str], message: str, source: str, time: float | None, line: int | None
) -> tuple[PodObservation, ...]:
    error = fields.get("error") or fields.get("err") or ""
    container = _CONTAINER_FAILED.match(message)
    if container is not None:
        failed = _failed(source, "container", pod_in(error), (time, line), error, stage="container")
        ids = container.groupdict()
        return (
            replace(
                failed,
                container_id=ids["container"] or failed.container_id,
                sandbox_id=ids["sandbox"] or failed.sandbox_id,
                container=ids["name"],
            ),
        )
    step = next((step for beginning, step in _DOCKER_STEPS if message.startswith(beginning)), None)
    if step is None and _ENOMEM.search(error or message) and _STARTS.search(f"{message} {error}"):
        step = (
            None if _NO_START.search(message) or "(delete)" in error else "text"
        )  # What other engines print about a start.
    if step is None or (step == "docker-handler" and "/start" not in message and "/create" not in message):
        return ()
    text = error or message
    named = runtime_name_ref(f"{message} {error}")
    identity = fields.get("id") or fields.get("container") or fields.get("containerID") or ""
    pod = named[0] if named else pod_in(text)
    failed = _failed(source, step, pod, (time, line), text, identity=f"{identity} {message}")
    sandbox = fields.get("sandbox", "")
    return (replace(failed, sandbox_id=sandbox) if _SANDBOX_ID.fullmatch(sandbox) else failed,)


def _failed(
    source: str,
    step: str,
    pod: PodRef,
    when: tuple[float | None, int | None],
    error: str,
    *,
    stage: str = "sandbox",
    identity: str = "",
) -> PodObservation:
    return PodObservation(
        PodFact.FAILED,
        source,
        step,
        pod,
        *when,
        error,
        sandbox_id=sandbox_id_in(error),
        container_id=container_id_in(identity) or container_id_in(error),
        stage=stage,
        pids=pids_in(error),
    )
