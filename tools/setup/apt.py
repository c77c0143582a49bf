# SPDX-License-Identifier: MIT
"""Debian packages on any machine with apt and a Debian mirror, without root and without touching its packages.

The machine's own apt does the work in folders of ours: it names the mirror, checks the signature of the release, the
index against the release and each package against the index. This file therefore knows no host and no checksum.
"""

import platform
import re
import shutil
from pathlib import Path
from typing import Self

from simulator.errors import UserError
from tools.setup.steps import run

SUITE = "trixie"  # Debian 13
STATUS = Path("/var/lib/dpkg/status")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NO_APT = "no_apt"


def native_architecture() -> str:
    """What Debian calls this machine's processor: "amd64", "arm64", ... UserError if it has no apt."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise UserError(NO_APT, "this machine has no apt")
    return run("apt_failed", "dpkg", "--print-architecture").strip()


class PrivateApt:
    """apt-get with its state below `folder`. The first download fetches the index; `clean` removes everything.

    Packages come from `suite`. Those that the file `installed` lists count as installed: none by default.
    """

    def __init__(self, folder: Path, suite: str = SUITE, installed: Path | None = None) -> None:
        self._folder = folder
        self._suite = suite
        self._installed = installed
        self._architectures: list[str] = []

    @classmethod
    def of_this_machine(cls, folder: Path) -> Self:
        """For programs that use the libraries of this machine: from its own release, on top of what it has."""
        try:
            suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
        except (OSError, KeyError) as error:
            raise UserError(NO_APT, "this machine does not say which release of Debian it is") from error
        return cls(folder, suite, STATUS)

    def missing(self, package: str) -> list[str]:
        """`package` and what it needs, apart from what is installed."""
        self._update()
        plan = run("apt_failed", *self._apt_get(), "--simulate", "--no-install-recommends", "install", package)
        return re.findall(r"^Inst (\S+)", plan, re.MULTILINE)

    def unpack(self, packages: list[str], architecture: str, folder: Path) -> None:
        """The files of `packages` in `folder`: all of them or nothing."""
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        for package in self.download(packages, architecture, part / "packages"):
            run("apt_failed", "dpkg", "-x", package, part)
        shutil.rmtree(part / "packages")
        part.rename(folder)

    def download(self, packages: list[str], architecture: str, folder: Path) -> list[Path]:
        """The .deb files of `packages` for "amd64", "i386", ..., in `folder`; UserError if that is impossible."""
        self._update()
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [f"{package}:{architecture}" for package in packages]
        run("apt_failed", *self._apt_get(), "download", *wanted, cwd=folder)
        return sorted(folder.glob("*.deb"))

    def clean(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _update(self) -> None:
        """Asks each mirror of the machine for the suite until one has it, signed by Debian."""
        if self._architectures:
            return
        native = native_architecture()
        if not KEYRING.exists():
            raise UserError(NO_APT, "this machine has no keys of Debian (package debian-archive-keyring)")
        self._architectures = [native, "i386"] if native == "amd64" and not self._installed else [native]
        error = UserError(NO_APT, "apt of this machine has no Debian mirror")
        for mirror in self._mirrors():
            try:
                return self._update_from(mirror)
            except UserError as failed:
                error = failed
        self._architectures = []
        raise error

    def _mirrors(self) -> list[str]:
        """Base addresses in the order of the machine's sources; works with empty package lists, too."""
        self._mkdirs()
        uris = run("apt_failed", *self._apt_get(own_sources=False), "--print-uris", "update")
        found = re.findall(r"'(\S+?)/dists/(\S+)/InRelease'", uris)
        return list(dict.fromkeys(base for base, suite in found if not suite.endswith("-security")))

    def _update_from(self, mirror: str) -> None:
        options = f"signed-by={KEYRING} arch={','.join(self._architectures)} target=Packages"
        (self._folder / "sources.list").write_text(f"deb [{options}] {mirror} {self._suite} main\n")
        run("apt_failed", *self._apt_get(), "update")

    def _mkdirs(self) -> None:
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()  # "nothing is installed here"

    def _apt_get(self, own_sources: bool = True) -> list[str]:
        """The command up to its verb. apt drops root's rights by default and could not write here: not so."""
        folder = self._folder
        options = {
            "Dir::State": folder / "state",
            "Dir::State::status": self._installed or folder / "status",
            "Dir::Cache": folder / "cache",
            "APT::Sandbox::User": "root",
            "APT::Update::Error-Mode": "any",
            "Acquire::Languages": "none",
            "Acquire::Retries": 2,
        }
        if own_sources:
            options |= {"Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": "-"}
        command = ["apt-get", "-q"] + [f"-o{name}={value}" for name, value in options.items()]
        return command + [f"-oAPT::Architectures::={name}" for name in self._architectures]
