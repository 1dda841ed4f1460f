"""Settings: which source wins, what each mistake is called, and which files are not trusted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.sources.config.places import SITE_FILE, ConfigError, has_settings, user_file, variable_of
from fragtui.sources.config.settings import DEFAULTS, SITE_ONLY, TABLES, THRESHOLDS, Settings, checked, read_settings
from fragtui.sources.config.toml_file import MAX_TOML, TomlFile, decode_toml, parse_toml
from tests.support.trusted import trusted_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with trusted_folder() as folder:
        (folder / "fragtui").mkdir(0o755)
        yield folder


def read(folder: Path, *, user: str | None = None, site: str | None = None, **variables: str) -> Settings:
    place = {"user": folder / "fragtui/config.toml", "site": folder / "site.toml"}
    for name, text in (("user", user), ("site", site)):
        if text is not None:
            place[name].write_text(text)
            place[name].chmod(0o644)
    return read_settings({"XDG_CONFIG_HOME": str(folder), **variables}, place["site"])


def test_without_files_and_variables_all_is_default(folder: Path) -> None:
    settings = read(folder)
    assert {name: value.value for name, value in settings.values.items()} == {
        name: default for name, (default, _) in (DEFAULTS | THRESHOLDS).items()
    }
    assert {value.source for value in settings.values.values()} == {"default"}
    assert settings.ignored == ()


def test_a_variable_wins_over_the_users_file_and_that_over_the_sites(folder: Path) -> None:
    text = 'theme = "{0}"\norder = {1}\n'
    user, site = text.format("u", 5).replace("order = 5\n", ""), text.format("s", 6)
    settings = read(folder, user=user, site=site, FRAGTUI_ASCII="yes")
    assert (settings["theme"], settings.source("theme")) == ("u", f"{folder}/fragtui/config.toml:1")
    assert (settings["order"], settings.source("order")) == ("6", f"{folder}/site.toml:2")
    assert (settings["ascii"], settings.source("ascii")) == (True, "FRAGTUI_ASCII")
    assert read(folder, user=user, site=site, FRAGTUI_THEME="v")["theme"] == "v"


def test_keys_of_several_sources_are_one_map(folder: Path) -> None:
    settings = read(
        folder,
        site='[keys]\ncompact = "f5"\nguard = "f6"\n',
        user='\n[keys]\nguard = ["ctrl+g", "f7"]\n',
        FRAGTUI_KEYS="abort=X;theme=f8 f9",
    )
    assert {name: (value.value, value.source) for name, value in settings.keys.items()} == {
        "compact": (("f5",), f"{folder}/site.toml:2"),
        "guard": (("ctrl+g", "f7"), f"{folder}/fragtui/config.toml:3"),
        "abort": (("X",), "FRAGTUI_KEYS"),
        "theme": (("f8", "f9"), "FRAGTUI_KEYS"),
    }


def test_thresholds_of_several_sources_are_one_table(folder: Path) -> None:
    settings = read(
        folder,
        site="[thresholds]\nlow_blocks = 64\nlow_share = 90\n",
        user="[thresholds]\nlow_share = 80.5\n",
        FRAGTUI_THRESHOLDS="recovering_seconds=60",
    )
    assert settings.thresholds == {"low_blocks": 64, "low_share": 80.5, "recovering_seconds": 60.0}
    sources = [settings.source(name) for name in THRESHOLDS]
    assert sources == [f"{folder}/site.toml:2", f"{folder}/fragtui/config.toml:2", "FRAGTUI_THRESHOLDS"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("ordr = 3", "line 1: ordr: expected one of theme, "),
        ("\n\nascii = 1", "line 3: ascii: expected true or false, found 1"),
        ("interval = [1]", "line 1: interval: expected a number, found [1]"),
        ("interval = nan", "line 1: interval: expected a number"),
        ("order = true", "line 1: order: expected a number"),
        ("theme = ''", "line 1: theme: expected a text of 1 to 100 characters"),
        ("theme = \"\\u001b[31m\"", "line 1: theme: expected a text"),
        ("keys = 3", "line 1: keys: expected a table"),
        ("[keys]\ncompact = []", "line 2: keys.compact: expected a key"),
        ("[keys]\ncompact = [1]", "line 2: keys.compact: expected a key"),
        ("thresholds = 3", "line 1: thresholds: expected a table, such as low_blocks = 32, found 3"),
        ("[thresholds]\nlow = 3", "line 2: thresholds.low: expected one of low_blocks, low_share, recovering_seconds"),
        ("[thresholds]\n\nlow_blocks = 0", "line 3: thresholds.low_blocks: expected a whole number from 1 to 10,000"),
        ("[thresholds]\nlow_blocks = 2.5", "line 2: thresholds.low_blocks: expected a whole number"),
        ("[thresholds]\nlow_blocks = true", "line 2: thresholds.low_blocks: expected a number"),
        ("[thresholds]\nlow_share = 101", "line 2: thresholds.low_share: expected a number from 50 to 100"),
        ("[thresholds]\nlow_share = nan", "line 2: thresholds.low_share: expected a number"),
        ("[thresholds]\nrecovering_seconds = -1", "line 2: thresholds.recovering_seconds: expected a number from 0"),
        ("confirm = 'type'", "line 1: confirm: only /etc/fragtui/config.toml sets it"),
        ("allowed_remedies = []", "line 1: allowed_remedies: only /etc/fragtui/config.toml sets it"),
        ("order = [\n", "line 2: expected TOML"),
        ("a = 1\na = 2", "line 2: expected TOML"),
        ("x = " + "[" * 2000, "expected TOML"),
        ("#" + "x" * MAX_TOML, "expected at most 64 KiB"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_is_a_line_with_its_place(folder: Path, text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(folder, user=text)
    assert str(raised.value).startswith(f"{folder}/fragtui/config.toml: ")
    assert error in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("confirm = 'yes'", 'line 1: confirm: expected "ask" or "type"'),
        ("allowed_remedies = 'sync'", "line 1: allowed_remedies: expected a list of sync, drop-caches-1"),
        ("allowed_remedies = ['drop-caches']", "line 1: allowed_remedies: expected a list of sync, drop-caches-1"),
        ("read_only = 'perhaps'", "line 1: read_only: expected true or false"),
    ],
)
def test_a_mistake_in_the_policy_is_a_line_too(folder: Path, text: str, error: str) -> None:
    with pytest.raises(ConfigError, match=r"site\.toml: ") as raised:
        read(folder, site=text)
    assert error in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "text", "error"),
    [
        ("FRAGTUI_ASCII", "perhaps", "FRAGTUI_ASCII: expected true or false, found 'perhaps'"),
        ("FRAGTUI_INTERVAL", "soon", "FRAGTUI_INTERVAL: expected a number, found 'soon'"),
        ("FRAGTUI_KEYS", "compact", "FRAGTUI_KEYS: compact: expected a key"),
        ("FRAGTUI_THRESHOLDS", "low_blocks=x", "FRAGTUI_THRESHOLDS: low_blocks: expected a number, found"),
        ("FRAGTUI_THRESHOLDS", "x=1", "FRAGTUI_THRESHOLDS: x: expected one of low_blocks, low_share"),
        ("FRAGTUI_THEME", "", "FRAGTUI_THEME: expected a text"),
    ],
)
def test_a_mistake_in_a_variable_names_it(folder: Path, variable: str, text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(folder, **{variable: text})
    assert str(raised.value).startswith(error)


def test_no_variable_sets_what_only_the_site_sets(folder: Path) -> None:
    settings = read(folder, site="confirm = 'type'", FRAGTUI_CONFIRM="ask", FRAGTUI_ALLOWED_REMEDIES="compact")
    assert (settings["confirm"], settings["allowed_remedies"]) == ("type", None)
    assert {variable_of(name) for name in SITE_ONLY} == {"FRAGTUI_CONFIRM", "FRAGTUI_ALLOWED_REMEDIES"}


@pytest.mark.parametrize("site", [None, "read_only = true"])
@pytest.mark.parametrize("user", [None, "read_only = true"])
@pytest.mark.parametrize("variable", [None, "1", "0"])
def test_read_only_can_be_asked_for_anywhere_and_taken_back_nowhere(
    folder: Path, site: str | None, user: str | None, variable: str | None
) -> None:
    later = user or ("read_only = false" if site else None)
    settings = read(folder, site=site, user=later, **({"FRAGTUI_READ_ONLY": variable} if variable else {}))
    assert settings["read_only"] is bool(site or user or variable == "1")


def test_a_file_that_others_may_write_is_not_used(folder: Path) -> None:
    path = folder / "fragtui/config.toml"
    read(folder, user="ascii = true")
    for mode, name in ((0o666, path), (0o664, path), (0o777, folder / "fragtui")):
        before = name.stat().st_mode
        name.chmod(mode)
        settings = read_settings({"XDG_CONFIG_HOME": str(folder)}, folder / "none")
        assert settings["ascii"] is False
        assert "can be written by others than root" in settings.ignored[0]
        name.chmod(before)
    assert read_settings({"XDG_CONFIG_HOME": str(folder)}, folder / "none")["ascii"] is True


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_file_of_another_user_is_not_used(folder: Path) -> None:
    read(folder, user="ascii = true")
    os.chown(folder / "fragtui/config.toml", 65534, -1)
    settings = read_settings({"XDG_CONFIG_HOME": str(folder)}, folder / "none")
    assert settings["ascii"] is False
    assert "belongs to uid 65534" in settings.ignored[0]


def test_a_directory_and_a_fifo_are_not_used(folder: Path) -> None:
    (folder / "site.toml").mkdir()
    os.mkfifo(folder / "fragtui/config.toml")
    settings = read(folder)
    assert len(settings.ignored) == 2
    assert all(why.isprintable() for why in settings.ignored)


@pytest.mark.skipif(SITE_FILE.exists(), reason="this machine has settings")
def test_without_a_file_or_variable_nothing_is_looked_for(folder: Path) -> None:
    here = {"XDG_CONFIG_HOME": str(folder)}
    assert not has_settings(here)
    assert has_settings(here | {"FRAGTUI_ORDER": "3"})
    (folder / "fragtui/config.toml").symlink_to("nothing")
    assert has_settings(here), "a link to no file is a mistake, too"


def test_the_place_of_the_users_file() -> None:
    assert user_file({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}) == Path("/x/fragtui/config.toml")
    assert user_file({"XDG_CONFIG_HOME": "x", "HOME": "/h"}) == Path("/h/.config/fragtui/config.toml")
    assert user_file({"HOME": "h"}) is None
    assert user_file({}) is None


def test_the_line_of_a_key_in_a_table() -> None:
    file = TomlFile("x", 'compact = 1\n"theme" = 2\n[keys]\n# compact\n  compact = "C"\n[[other]]\n', {})
    lines = [file.line_of(key) for key in ("compact", "theme", "keys", "keys.compact", "other", "none", "keys.none")]
    assert lines == [1, 2, 3, 5, 6, 1, 3]


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_raise_anything_but_a_line(data: bytes) -> None:
    try:
        checked(decode_toml(data, "file"), is_site=True)
    except ConfigError as error:
        assert str(error).startswith("file: ")
        assert "\n" not in str(error)


VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=120), lambda inner: st.lists(inner, max_size=3)
)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from([*DEFAULTS, *TABLES, "other"]), VALUES | st.dictionaries(st.text(), VALUES)))
def test_no_values_raise_anything_but_a_line(values: dict[str, object]) -> None:
    try:
        found = checked(TomlFile("file", "", values), is_site=True)
    except ConfigError as error:
        assert str(error).startswith("file: line 1: ")
        assert "\n" not in str(error)
    else:
        assert {name.partition(".")[0] for name in found} <= {*DEFAULTS, *TABLES}


def test_toml_is_parsed_as_toml() -> None:
    assert parse_toml("a = [1]\n", "x").values == {"a": [1]}
