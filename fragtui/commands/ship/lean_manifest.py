"""The manifest of lean metrics, as templates of `str.format`."""

LEAN_CONTAINER = """\
        # Lean metrics: without a privilege and without a mount of the node, as the level restricted asks for.
        - name: metrics
          image: {image}
          imagePullPolicy: IfNotPresent
          # Not the image's entry point: nothing is mounted below /host.
          command: [/usr/local/bin/fragtui]
          args: [export, --lean, --listen, "0.0.0.0:9917"]
          env:
            - name: NODE_NAME
              valueFrom:
                fieldRef:
                  fieldPath: spec.nodeName
          ports:
            - name: metrics
              containerPort: 9917
              protocol: TCP
          readinessProbe:
            httpGet:
              path: /healthz
              port: metrics
            periodSeconds: 10
            timeoutSeconds: 5
          securityContext:
            runAsNonRoot: true
            runAsUser: 65534
            runAsGroup: 65534
            privileged: false
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          resources:
            requests:
              cpu: 10m
              memory: 64Mi
            limits:
              cpu: "1"
              memory: 128Mi
"""
"""The container of lean metrics; its pod needs no volume."""

LEAN = """\
# lean: at most 24 series a node, for large fleets: state, largest free block by zone, severity and blocks of the orders
# 3, 4, 9 and the largest. It mounts nothing and has no privilege, so it knows no failures and no pods, and its metrics
# of these are absent. /proc/buddyinfo and /proc/zoneinfo are the node's own in every container.
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: fragtui-lean
  namespace: fragtui
  labels:
    app.kubernetes.io/name: fragtui-lean
    app.kubernetes.io/version: "{version}"
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: fragtui-lean
  updateStrategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 10%
  template:
    metadata:
      labels:
        app.kubernetes.io/name: fragtui-lean
        app.kubernetes.io/version: "{version}"
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "9917"
    spec:
      nodeSelector:
        kubernetes.io/os: linux
      tolerations:
        - operator: Exists
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 10
      securityContext:
        seccompProfile:
          type: RuntimeDefault
      containers:
{container}"""
