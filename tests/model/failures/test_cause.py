"""The cause is the innermost telling frame; unknown stays unknown."""

from __future__ import annotations

import re

from fragtui.kernel.procfs.version import parse_version
from fragtui.model.failures.causes import CAUSES, TABLE


def key(*symbols: str, workqueue: str | None = None, comm: str | None = None) -> str | None:
    stack = [(symbol.removeprefix("? "), not symbol.startswith("?"), None) for symbol in symbols]
    found = TABLE.find(stack, workqueue, comm)
    return found.cause.key if found else None


def test_the_seed_case_is_conntrack_not_the_memcg_array_it_came_through() -> None:
    assert key("__kmalloc", "memcg_alloc_cache_params", "nf_conntrack_init_net", "copy_net_ns") == "netns/nf_conntrack"
    assert key("__kmalloc", "memcg_update_all_caches", "mem_cgroup_css_online") == "memcg-caches"
    assert key("nf_ct_alloc_hashtable", "nf_conntrack_init_start", "load_module") == "conntrack-table"


def test_compiler_suffixes_do_not_hide_a_frame() -> None:
    assert key("veth_dev_init.constprop.0", "register_netdevice") == "veth"
    assert key("nvme_alloc_queue_noprof.isra.0") == "nvme"


def test_a_frame_beats_the_work_item_and_that_beats_the_name() -> None:
    assert key("elf_core_dump", workqueue="nvme-wq nvme_scan_work [nvme_core]", comm="runc:[1:CHILD]") == "coredump"
    assert key("process_one_work", workqueue="nvme-wq nvme_scan_work [nvme_core]") == "nvme"
    assert key(comm="runc:[1:CHILD]") == "netns"


def test_an_unreliable_frame_counts_only_without_a_reliable_one() -> None:
    assert key("? veth_dev_init", "elf_core_dump") == "coredump"
    assert key("? veth_dev_init") == "veth"


def test_a_packet_that_crosses_a_veth_pair_is_no_new_pair() -> None:
    assert key("__alloc_skb", "veth_xmit", "dev_hard_start_xmit") != "veth"
    assert key("__kmalloc", "veth_alloc_queues", "veth_dev_init", "register_netdevice") == "veth"


def test_an_unknown_frame_gives_no_cause() -> None:
    assert key("dump_stack", "warn_alloc", "some_new_driver_probe", comm="java") is None


def test_the_fixed_note_depends_on_the_version() -> None:
    found = TABLE.find([("veth_alloc_queues", True, None)])
    assert found is not None
    assert found.is_fixed_in(parse_version("6.1.69")) is False
    assert found.is_fixed_in(parse_version("6.12.1")) is True
    assert found.is_fixed_in(None) is None


def test_the_table_is_sound() -> None:
    keys = [cause.key for cause in CAUSES]
    assert len(keys) == len(set(keys))
    for cause in CAUSES:
        assert cause.symbols or cause.modules or cause.comms
        assert cause.title and cause.advice and not cause.advice.endswith(".")
        assert (cause.fixed_in is None) or cause.fixed
        assert all(re.fullmatch(r"\w+", symbol) for symbol in cause.symbols)
