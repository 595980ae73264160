"""frozentlplugin.so of a Python package (pair_style/loader.cpp): which plugin it takes for which LAMMPS. Its releases are here the
plugin of this build and one for a LAMMPS that never was, 1 Jan 2024 update 9."""
from harness import *

LOADER, FAKE_HOST, WRONG = (os.environ.get(name) for name in ("FTL_LOADER", "FTL_FAKE_HOST", "FTL_WRONG_PLUGIN_DIR"))
PAIR = f"pair_style frozentl\npair_coeff * * {potential()} Cu\n"


def crystal():
    return fcc(3.62, (2, 2, 2))


def with_pair(pair):
    return setup(crystal(), ["Cu"], None, pair=pair)[0] + POINT + "run 0\n"


def with_releases(test, **releases):
    """test(FOLDER) with the loader and `releases` of it: name -> file."""
    if not LOADER:
        raise Skip("FTL_LOADER is not set; ctest sets it")
    with tempfile.TemporaryDirectory(prefix="frozentl-") as folder:
        os.mkdir(os.path.join(folder, "releases"))
        shutil.copy(LOADER, folder)
        for name, file in releases.items():
            os.symlink(file, os.path.join(folder, "releases", name.lstrip("r").replace("_", "-") + ".so"))
        test(folder)


def this_release():
    """The name of the release that is installed, as `r20250722_4`."""
    said = subprocess.run([LMP, "-h"], stdout=subprocess.PIPE, text=True, env=host_environment({})).stdout
    day, month, year, update = re.search(r"Simulator - (\d+) (\w+) (\d+)(?: - Update (\d+))?", said).groups()
    month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split().index(month) + 1
    return f"r{year}{month:02}{int(day):02}_{update or 0}"


def own():
    return os.path.join(PLUGIN_DIR, "frozentlplugin.so")


def wrong():
    return os.path.join(WRONG or "", "wrongplugin.so")


def test_takes_the_right_one():
    def runs(folder):
        run = must(lammps(with_pair(PAIR), plugins=folder))
        close("energy", run["PotEng"], point(crystal(), potential())["PotEng"], 1e-12)
        check("no warning (0: none)", run.log.count("WARNING: The plugin"), 0)
        load = f"plugin load {folder}/frozentlplugin.so\n"
        twice = with_pair(load + PAIR) + "plugin unload pair frozentl\n" + load + PAIR + "run 0\n"
        close("plugin load, unload and load", must(lammps(twice, plugins="/none"))["PotEng"], run["PotEng"], 1e-12)

    with_releases(runs, r20240101_9=wrong(), **{this_release(): own()})


def test_refuses_another():
    def refused(folder):
        says("another release", "has nothing for this LAMMPS, .* it is for LAMMPS 1 Jan 2024 with update 9 .how to build",
             with_pair(PAIR), plugins=folder)  # fmt: skip
        says("another release, 2 ranks", "has nothing for this LAMMPS", with_pair(PAIR), plugins=folder, ranks=2)
        says("its computes too", "has nothing for this LAMMPS", with_pair("pair_style zero 4.0\npair_coeff * *\ncompute h all "
             "heat/flux/frozentl\n"), plugins=folder)  # fmt: skip
        other = must(lammps(with_pair("pair_style lj/cut 4.0\npair_coeff * * 0.1 2.2\n"), plugins=folder))
        check("runs without frozentl go on, with a warning (0: yes)", int("WARNING: The plugin" not in other.log), 0)

    with_releases(refused, r20240101_9=wrong())
    # of the right date and another update: classes differ
    release, update = this_release().split("_")
    date = "with update " + str(int(update) + 1)
    with_releases(lambda folder: says("another update", date, with_pair(PAIR), plugins=folder), **{f"{release}_{int(update) + 1}": wrong()})


def test_releases_that_are_not():
    none = "WARNING: The plugin frozentlplugin.so has nothing for this LAMMPS, .*; there is none in .*/releases"
    broken = "WARNING: The plugin frozentlplugin.so cannot be loaded: .*invalid ELF header"

    def warns(pattern):
        def test(folder):
            run = lammps(with_pair(PAIR), plugins=folder)
            check(f"{pattern} (0: said)", int(not re.search(pattern, run.log)), 0)
            check("LAMMPS does not know the style (0: said)", int("Unrecognized pair style 'frozentl'" not in run.log), 0)
        return test  # fmt: skip

    with_releases(warns(none))
    with_releases(warns(broken), **{this_release(): __file__})


def test_update_of_the_host():
    """By LAMMPS' git descriptor, else by the banner in it. The plugin for 1 Jan 2024 update 9, once taken, finds no LAMMPS there."""
    taken, not_taken = "cannot see the functions of this LAMMPS", "has nothing for this LAMMPS, {}; it is for LAMMPS 1 Jan 2024 with update 9"

    def asks(folder):
        for what, version, git, banner, pattern in (
            ("git's update", 20240101, "stable_1Jan2024_update9", b"Update 8\n", taken),
            ("git's other update", 20240101, "stable_1Jan2024_update3", b"Update 9\n", not_taken.format("1 Jan 2024 update 3")),
            ("the banner's update", 20240101, None, b"Update 9\n", taken),
            ("the banner's, of another tag", 20240101, "lammps-gui-v1.2", b"Update 9\n", taken),
            ("the banner's other update", 20240101, None, b"Update 8\n", not_taken.format("1 Jan 2024 update 8")),
            ("a state between releases", 20240101, None, b"Mainten.\n", not_taken.format("1 Jan 2024 between two releases")),
            ("another date", 20240102, None, b"Update 9\n", not_taken.format("2 Jan 2024 update 9")),
        ):
            host = os.path.join(folder, "host")
            with open(FAKE_HOST, "rb") as f:
                binary = f.read()
            assert binary.count(b"- 1 Jan 2024 - Update 9\n") == 1
            with open(host, "wb") as f:
                f.write(binary.replace(b"- 1 Jan 2024 - Update 9\n", b"- 1 Jan 2024 - " + banner))
            os.chmod(host, 0o755)
            environment = host_environment({"FAKE_GIT": git} if git else {})
            # the banner is looked for in whole segments, with the gaps between constants in them
            environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":intercept_memmem=0"
            said = subprocess.run([host, str(version), os.path.join(folder, "frozentlplugin.so")],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment).stdout  # fmt: skip
            no_sanitizer_speaks(said)
            if not re.search(pattern, said):
                raise Failure(f"{what}: not '{pattern}' but: {said}")
            check(f"{what}: styles that were registered", said.count("registered"), 0)

    with_releases(asks, r20240101_9=wrong())


run_tests(globals())
