"""The texts of the manifests; RULE is a template of `str.format`."""

NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: fragtui
  labels:
    # The pods mount files of the node and use its network, which only the level privileged allows. Apart from these
    # two, watch meets the level restricted; treat also runs as root.
    pod-security.kubernetes.io/enforce: privileged
---
# Some clouds allow the class system-node-critical outside of kube-system only with a quota for it.
apiVersion: v1
kind: ResourceQuota
metadata:
  name: fragtui
  namespace: fragtui
spec:
  hard:
    pods: "10000"
  scopeSelector:
    matchExpressions:
      - scopeName: PriorityClass
        operator: In
        values: [system-node-critical]
"""

ACCESS = """\
# Pods and events of all namespaces, to read. RBAC can't restrict that to one node; fragtui asks only for its own.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: fragtui
  namespace: fragtui
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: fragtui
rules:
  - apiGroups: [""]
    resources: [pods, events]
    verbs: [list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: fragtui
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: fragtui
subjects:
  - kind: ServiceAccount
    name: fragtui
    namespace: fragtui
"""

NODE_ACCESS = """\
priorityClassName: system-node-critical
# The network and the host name of the node: an API server at 127.0.0.1 is reached, also while the pod network
# is down.
hostNetwork: true
dnsPolicy: ClusterFirstWithHostNet
# The kubelet's own credentials stay with root on the node. These may list and watch pods and events.
serviceAccountName: fragtui
automountServiceAccountToken: true
"""

EXPORT = """\
# The image's entry point has --root /host. Anyone who reaches the node's address can read the metrics: a
# mounted certificate and token protect them (--tls-cert, --token-file; then scheme: HTTPS in the probes).
args: [export, --listen, "$(POD_IP):9917"]
# Reports and recordings of a screen are written here.
workingDir: /tmp
"""

POD_IP = """\
- name: POD_IP
  valueFrom:
    fieldRef:
      fieldPath: status.podIP
"""

READ_ONLY_ENV = """\
# As --read-only, for every fragtui in this pod.
- name: FRAGTUI_READ_ONLY
  value: "true"
"""

LIVENESS = """\
livenessProbe:
  httpGet:
    path: /healthz
    port: metrics
  periodSeconds: 30
  timeoutSeconds: 10
  failureThreshold: 5
"""

LOG_READERS = """\
# adm: it may read the journal and the log files of most distributions.
supplementalGroups: [4]
"""

ABOUT_GUARD = "# Reads the policy in guard.toml. Read what it would do in its log first, then remove --dry-run.\n"
GUARD = """\
# A container that ends is started again, so a guard that gave up must stay.
args: [guard, --dry-run, --stay, --policy, /etc/fragtui/guard.toml]
"""

GUARD_MOUNT = "- name: guard-policy\n  mountPath: /etc/fragtui\n  readOnly: true\n"
GUARD_VOLUME = "- name: guard-policy\n  configMap:\n    name: fragtui-guard\n"
TMP_MOUNT = "- name: tmp\n  mountPath: /tmp\n"
TMP_VOLUME = "- name: tmp\n  emptyDir:\n    sizeLimit: 64Mi\n"

ABOUT_WATCH = """\
# watch: metrics of every node, and the screen, without a way to write to the node:
#   kubectl -n fragtui exec -it POD -- fragtui --root /host --read-only
# It runs as nobody, without capabilities, and mounts only what it reads, read-only with all mounts below. A runtime
# without recursive read-only mounts (containerd before 2.0, Linux before 5.12) does not start the pod: there remove
# recursiveReadOnly. /proc and /sys themselves are still read-only then, and nobody may not write the mounts below.
# Unknown to it: migratetypes (root only), and the kernel log on nodes that keep it from the group adm.
# With SELinux enforcing, a container may read no log of the node.
"""

ABOUT_TREAT = """\
# treat: as watch, and the screen can run remedies:
#   kubectl -n fragtui exec -it POD -- fragtui --root /host
# A remedy needs uid 0 and two writable mounts: /proc/sys/vm and a NUMA node's folder of /sys. It needs no capability,
# and the pod is not privileged. What is written besides: the audit log and the locks. The node's own policy in
# /etc/fragtui/config.toml holds. The kernel log comes from the journal or the log files of the node; a node without
# them (Talos) needs privileged: true and /dev/kmsg mounted at /host/dev/kmsg.
# With SELinux enforcing add seLinuxOptions: {type: spc_t}.
"""

ABOUT_LEAN = """\
# lean: at most 24 series a node, for large fleets: state, largest free block by zone, severity and blocks of the orders
# 3, 4, 9 and the largest. It mounts nothing and has no privilege, so it knows no failures and no pods, and its metrics
# of these are absent. /proc/buddyinfo and /proc/zoneinfo are the node's own in every container.
"""

POD_MONITOR = """\
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: fragtui
  namespace: fragtui
  labels:
    app.kubernetes.io/name: fragtui
spec:
  selector:
    matchExpressions:
      - key: app.kubernetes.io/name
        operator: In
        values: [fragtui, fragtui-lean, fragtui-gate]
  podMetricsEndpoints:
    - port: metrics
      interval: 30s
      # The label node of the series is the Kubernetes node; without this it would become exported_node.
      honorLabels: true
"""

RULE = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: fragtui
  namespace: fragtui
  labels:
    app.kubernetes.io/name: fragtui
spec:
{groups}"""

_KIND = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
"""

TOP = (
    _KIND
    + """\
# One of the three: watch can't write to the nodes, treat runs remedies, lean has few metrics and no mounts.
resources:
  - watch
  # - treat
  # - lean
# With the Prometheus operator; add the label that its ruleSelector asks for:
# components:
#   - prometheus
"""
)

COMMON = (
    _KIND
    + """\
resources:
  - namespace.yaml
  - access.yaml
"""
)

MODE = (
    _KIND
    + """\
resources:
  - ../common
  - daemonset.yaml
"""
)

GUARD_MODE = (
    MODE
    + """\
configMapGenerator:
  - name: fragtui-guard
    namespace: fragtui
    files:
      - guard.toml
"""
)

PROMETHEUS = """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources:
  - podmonitor.yaml
  - rules.yaml
"""
