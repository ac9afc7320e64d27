"""Fetches wheels and unpacks only what a C program needs of them: TensorFlow's libraries and headers, NVIDIA's libraries.

    python wheels.py REQUIREMENTS FOLDER

The libraries do not depend on Python: one wheel serves every Python version.
"""
import os
import re
import shutil
import subprocess
import sys
import zipfile

requirements, folder = sys.argv[1:]
wheels = os.path.join(folder, "wheels")
NEEDED = re.compile(
    r"tensorflow/(include/|libtensorflow_(cc|framework)\.so\.2$)"
    r"|nvidia/.*\.so(\.|$)|nvidia/.*/nvvm/libdevice/|nvidia/.*/bin/ptxas$"
)

platforms = [f"--platform={name}_x86_64" for name in ("manylinux_2_27", "manylinux_2_17", "manylinux2014")]
options = ["--no-deps", "--only-binary=:all:", "--implementation=cp", "--python-version=3.12", *platforms]
pip = [sys.executable, "-m", "pip", "download", *options, "--progress-bar=raw", "--dest", wheels]
status = subprocess.run([*pip, "--requirement", requirements]).returncode
if status:
    sys.exit(status)
for name in os.listdir(wheels):
    wheel = os.path.join(wheels, name)
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if NEEDED.match(entry.filename) and not entry.is_dir():
                path = archive.extract(entry, folder)
                os.chmod(path, entry.external_attr >> 16 & 0o777 or 0o644)
    os.remove(wheel)
shutil.rmtree(wheels)
