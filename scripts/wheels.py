"""Fetches TensorFlow's wheel (and NVIDIA's, for a GPU) and unpacks only what a C program needs of them.

    python wheels.py cpu|gpu VERSION FOLDER

The library does not depend on Python: one wheel serves every Python version.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import zipfile

device, version, folder = sys.argv[1:4]
wheels = os.path.join(folder, "wheels")
NEEDED = re.compile(r"tensorflow/(include/|libtensorflow_(cc|framework)\.so\.2$)|nvidia/.*\.so(\.|$)|nvidia/.*/nvvm/libdevice/|nvidia/.*/ptxas$")


def fetch(*requirements):
    options = ["--no-cache-dir", "--no-deps", "--only-binary=:all:", "--implementation=cp", "--python-version=3.12"]
    for glibc in (27, 17):
        options.append(f"--platform=manylinux_2_{glibc}_x86_64")
    options.append("--platform=manylinux2014_x86_64")
    pip = [sys.executable, "-m", "pip", "download", *options, "--progress-bar=raw", "--dest", wheels, *requirements]
    status = subprocess.run(pip).returncode
    if status:
        sys.exit(status)


def nvidia_requirements(wheel):
    """What TensorFlow's extra `and-cuda` asks for."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    pattern = re.compile(r"Requires-Dist: *([^;]+?) *;.*extra *== *['\"]and-cuda['\"]")
    found = [re.sub(r"[()\s]", "", match[1]) for match in map(pattern.match, lines) if match]
    return found


fetch(f"{'tensorflow' if device == 'gpu' else 'tensorflow-cpu'}=={version}")
if device == "gpu":
    fetch(*nvidia_requirements(glob.glob(os.path.join(wheels, "tensorflow-*.whl"))[0]))
for wheel in glob.glob(os.path.join(wheels, "*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if NEEDED.match(name)])
    os.remove(wheel)
shutil.rmtree(wheels)
