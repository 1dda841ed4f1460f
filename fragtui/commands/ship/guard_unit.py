"""A systemd unit that runs the guard: to read and adapt before use."""

GUARD_UNIT = """\
# /etc/systemd/system/fragtui-guard.service
# Policy: /etc/fragtui/guard.toml; 'fragtui guard --print-policy' prints the default.
[Unit]
Description=fragtui guard: frees large blocks of memory by a policy

[Service]
ExecStart=/usr/bin/env fragtui guard --policy /etc/fragtui/guard.toml
# 1 gave up, 2 wrong policy, 3 can't guard here: a person must look, a restart does not help.
Restart=on-failure
RestartPreventExitStatus=1 2 3
# The OOM killer must spare it, and its own use of memory must stay small.
OOMScoreAdjust=-900
Nice=10
MemoryMax=128M
NoNewPrivileges=yes
ProtectHome=yes
PrivateTmp=yes
# /proc/sys and /sys must stay writable, so neither ProtectKernelTunables nor ProtectSystem=strict.
ProtectSystem=full
LogsDirectory=fragtui

[Install]
WantedBy=multi-user.target
"""
