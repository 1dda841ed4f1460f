"""Where facts about pods come from: kubelet and runtime logs, crictl, the API."""
