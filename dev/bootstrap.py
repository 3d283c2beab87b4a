"""Create the virtual environment, install the pinned requirements, then hand over to ``python -m dev``.

Standard library only: this file is run by the system's Python before the virtual environment exists.
Usage: ``python dev/bootstrap.py [--dev] COMMAND [ARGUMENTS]``.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)


def refuse(sentence):
    """Print one sentence and leave with status 1."""
    sys.stderr.write(f"servaan: {sentence}\n")
    sys.exit(1)


def check_python():
    """Refuse a Python that is too old or has no working ``venv`` module."""
    if sys.version_info < OLDEST:
        refuse(
            f"Python {sys.version_info[0]}.{sys.version_info[1]} is too old; install Python 3.11 or newer, "
            "or name one with: make run PYTHON=/path/to/python3.11"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        refuse(
            f"{sys.executable} has no venv module; install it "
            f"(Debian, Ubuntu: apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv)"
        )


def python_works():
    """Whether the virtual environment's Python starts and has pip (a moved or half-made one does not)."""
    if not PYTHON.exists():
        return False
    done = subprocess.run([str(PYTHON), "-c", "import pip"], stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def ensure_venv():
    """Create ``.venv`` when it is missing, broken, or came along with a moved or copied folder."""
    stamp = VENV / ".servaan-base"
    made_for = stamp.read_text() if stamp.exists() else ""
    if made_for == str(ROOT) and PYTHON.exists():
        return
    if made_for or not python_works():
        print("servaan: creating the virtual environment .venv", flush=True)
        check_python()
        if VENV.is_symlink():
            VENV.unlink()
        elif VENV.exists():
            shutil.rmtree(VENV)
        done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
        if done.returncode:
            refuse(f"{sys.executable} could not create .venv; read the message above")
    stamp.write_text(str(ROOT))


def fingerprint(name):
    """Hash of a requirements file and of the Python that it was installed for."""
    digest = hashlib.sha256((ROOT / name).read_bytes())
    digest.update(os.readlink(PYTHON).encode() if PYTHON.is_symlink() else b"copy")
    return digest.hexdigest()


def install(name):
    """Install a pinned requirements file, once per content."""
    stamp = VENV / f".servaan-{name}.sha256"
    wanted = fingerprint(name)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"servaan: installing {name} (a minute or two the first time)", flush=True)
    command = [str(PYTHON), "-m", "pip", "install", "-qq", "--no-input", "--disable-pip-version-check"]
    done = subprocess.run([*command, "-r", str(ROOT / name)], check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        refuse(
            f"pip could not install {name}; read its message above, check the network or pip's index setting"
        )
    stamp.write_text(wanted)


def prepare(names):
    """Bring the virtual environment up to date while no other process does the same."""
    with open(ROOT / ".venv.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("servaan: waiting for another make to finish installing", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        ensure_venv()
        for name in names:
            install(name)


def main(arguments):
    """Prepare the environment and replace this process by ``python -m dev``."""
    names = ["requirements.txt"]
    if arguments[:1] == ["--dev"]:
        arguments = arguments[1:]
        names.append("requirements-dev.txt")
    if sys.version_info < OLDEST:
        check_python()
    try:
        prepare(names)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        refuse(f"cannot prepare {VENV}: {error}")
    os.environ.pop("PYTHONHOME", None)
    os.environ["PATH"] = f"{PYTHON.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.chdir(ROOT)
    os.execv(str(PYTHON), [str(PYTHON), "-m", "dev", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
