"""``kubectl fragtui NODE``: the script, its archive, and the manifest with which krew installs it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

from fragtui import __version__
from fragtui.output_file import PROGRAM, PUBLIC, replace_file

SCRIPT_NAME = "kubectl-fragtui"
URI = f"https://registry.example/{SCRIPT_NAME}.tar.gz"
"""Where krew gets the archive if the user names no other place."""

_SCRIPT = """\
#!/bin/sh
# kubectl fragtui NODE: fragtui on a node, in its pod of 'fragtui ship manifests', else in a debug pod.
# SPDX-License-Identifier: Apache-2.0
set -eu

image=IMAGE
context=
kubeconfig=

usage() {
  cat <<'END'
usage: kubectl fragtui [--context NAME] [--kubeconfig FILE] [--image IMAGE] NODE [VERB or options of fragtui]

  kubectl fragtui worker-7                  the full screen of that node
  kubectl fragtui worker-7 --read-only      without remedies
  kubectl fragtui worker-7 check --json     a verb

It runs in the pod of fragtui on that node if there is one, else in a debug pod with the image.
END
}

fail() {
  echo "kubectl fragtui: $1" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --context=*) context=${1#*=} ;;
    --kubeconfig=*) kubeconfig=${1#*=} ;;
    --image=*) image=${1#*=} ;;
    --context | --kubeconfig | --image)
      [ $# -gt 1 ] || fail "$1 needs a value"
      option=$1
      shift
      case $option in
        --context) context=$1 ;;
        --kubeconfig) kubeconfig=$1 ;;
        --image) image=$1 ;;
      esac
      ;;
    -*) fail "$1: unknown option; those of fragtui come after the node" ;;
    *) break ;;
  esac
  shift
done
[ $# -gt 0 ] || { usage >&2 && exit 2; }
node=${1#node/}
shift
case $node in
  '' | *[!a-z0-9.-]*) fail "$node: expected the name of a node" ;;
esac

kube() {
  kubectl ${context:+"--context=$context"} ${kubeconfig:+"--kubeconfig=$kubeconfig"} "$@"
}

# A terminal only if there is one: a verb's output may go into a pipe.
tty=-i
if [ -t 0 ] && [ -t 1 ]; then tty=-it; fi

pods=$(kube get pods --all-namespaces --selector=app.kubernetes.io/name=fragtui \\
  --field-selector="spec.nodeName=$node,status.phase=Running" \\
  --output='jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\\n"}{end}')
# The first line.
pod=${pods%%
*}
if [ -n "$pod" ]; then
  kube exec "$tty" --namespace="${pod%%/*}" "${pod#*/}" --container=fragtui -- \\
    /usr/local/bin/fragtui --root /host "$@"
else
  kube get node "$node" --output=name >/dev/null
  echo "kubectl fragtui: no pod of fragtui on $node: a debug pod is made; it stays until kubectl delete pod" >&2
  # Privileged, for the kernel log in /dev/kmsg; remedies can be run with any profile.
  kube debug "node/$node" "$tty" --image="$image" --image-pull-policy=IfNotPresent --profile=sysadmin -- \\
    /usr/local/bin/fragtui --root /host "$@"
fi
"""

_MANIFEST = """\
# kubectl krew install --manifest=fragtui.yaml --archive=kubectl-fragtui.tar.gz
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: fragtui
spec:
  version: v{version}
  shortDescription: Show why a node denies memory
  description: |
    Opens fragtui on a node: memory fragmentation, denied requests, stuck pods, and remedies. It runs in the pod of
    fragtui on that node if there is one, else in a debug pod.
  caveats: |
    A debug pod is privileged, and stays until it is deleted. Your own rights decide: exec into pods, or debug nodes.
  platforms:
    - selector:
        matchExpressions:
          - key: os
            operator: In
            values: [darwin, linux]
      uri: {uri}
      sha256: {sha256}
      bin: {script}
      files:
        - from: {script}
          to: .
"""


def write_plugin(folder: Path, image: str, uri: str) -> None:
    """Write script, archive and krew's manifest into a folder, which is made if it is missing. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    script = _SCRIPT.replace("image=IMAGE", f"image='{image}'").encode()
    archive = _archive(script)
    sha256 = hashlib.sha256(archive).hexdigest()
    manifest = _MANIFEST.format(version=__version__, uri=uri, sha256=sha256, script=SCRIPT_NAME)
    for name, data, mode in (
        (SCRIPT_NAME, script, PROGRAM),
        (f"{SCRIPT_NAME}.tar.gz", archive, PUBLIC),
        ("fragtui.yaml", manifest.encode(), PUBLIC),
    ):
        with replace_file(folder / name, mode) as file:
            file.write(data)


def _archive(script: bytes) -> bytes:
    """Return the script in a tar.gz; the same script makes the same bytes."""
    member = tarfile.TarInfo(SCRIPT_NAME)
    member.size, member.mode = len(script), PROGRAM
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", fileobj=packed, mtime=0) as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(member, io.BytesIO(script))
    return packed.getvalue()
