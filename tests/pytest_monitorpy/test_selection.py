import io
import json
import os
import subprocess
import sys
import tempfile

import pytest

from tests.pytest_monitorpy.as_worker import AsWorker
from tests.pytest_monitorpy.conftest import PLUGINS

FAST = ("-p", "no:cacheprovider")
ONE = "checks: [{{id: {}, plugin: say}}]"
SELECTABLE = """
    checks:
      - {id: home, plugin: say, group: web, tags: [prod, eu-west], matrix: {path: ["/", "/login", "a::b"]}, config: {message: "${path}"}}
      - {id: db, plugin: say, group: core, tags: [prod]}
      - {id: lone, plugin: say}
"""


@pytest.fixture
def several(project):
    project.write("checks.yaml", SELECTABLE)
    project.write("test_own.py", "def test_own(): pass")


def collected(project, *args):
    result = project.run("--co", "-q", *args)
    return [line for line in result.outlines if "::" in line]


HOME = ["checks.yaml::web::home[/]", "checks.yaml::web::home[/login]", "checks.yaml::web::home[a::b]"]
ALL = [*HOME, "checks.yaml::core::db", "checks.yaml::lone"]


def test_without_a_path_only_the_checks_run(several, project):
    assert collected(project, "--monitorpy=checks.yaml") == ALL


def test_with_paths_both_run(several, project):
    assert sorted(collected(project, "--monitorpy=checks.yaml", "test_own.py")) == sorted([*ALL, "test_own.py::test_own"])


def test_a_path_that_contains_the_file(several, project):
    assert sorted(collected(project, "--monitorpy=checks.yaml", ".")) == sorted([*ALL, "test_own.py::test_own"])


@pytest.mark.parametrize("given", [*ALL, "checks.yaml::web::home", "checks.yaml::web", "checks.yaml::core"])
@pytest.mark.parametrize("form", ["--monitorpy={}", "{}"])
def test_what_is_shown_can_be_selected(several, project, given, form):
    expected = [i for i in ALL if i == given or i.startswith((given + "::", given + "["))]
    assert collected(project, form.format(given)) == expected


def test_a_name_counts_although_a_directory_is_given_too(several, project):
    assert sorted(collected(project, "--monitorpy=checks.yaml::web::home[/]", ".")) == [HOME[0], "test_own.py::test_own"]
    assert sorted(collected(project, "--monitorpy=checks.yaml::web", "--monitorpy=checks.yaml::lone", ".")) == sorted(
        [*HOME, ALL[-1], "test_own.py::test_own"]
    )
    assert sorted(collected(project, "--monitorpy=checks.yaml::web", "--monitorpy=checks.yaml", ".")) == sorted(
        [*ALL, "test_own.py::test_own"]
    )


@pytest.mark.parametrize(
    "options, expected",
    [
        (("--monitorpy=checks.yaml", "--monitorpy=checks.yaml"), ALL),
        (("--monitorpy=checks.yaml", "checks.yaml"), ALL),
        (("--monitorpy=checks.yaml::web", "checks.yaml"), ALL),
        (("--monitorpy=checks.yaml", "checks.yaml::web"), ALL),
        (("--monitorpy=checks.yaml::lone", "checks.yaml::web"), [*HOME, ALL[-1]]),
        (("checks.yaml::web::home[/]", "--monitorpy=checks.yaml::web"), HOME),
        (("checks.yaml", "."), [*ALL, "test_own.py::test_own"]),
        (("checks.yaml::lone", "."), [ALL[-1], "test_own.py::test_own"]),
    ],
)
def test_a_file_that_is_given_twice_runs_once(several, project, options, expected):
    """Under all versions of pytest, which treats overlapping arguments differently from one to the next."""
    assert collected(project, *options) == expected
    assert project.run(*options, "--monitorpy-json=r.json").parseoutcomes() == {"passed": len(expected)}
    assert len(json.loads((project.path / "r.json").read_text())["results"]) == len([i for i in expected if i in ALL])


@pytest.mark.parametrize("given", ["checks.yaml::wob", "--monitorpy=checks.yaml::wob", "--monitorpy=checks.yaml::core::wob"])
@pytest.mark.parametrize("more", [(), (".",)])
def test_a_name_that_no_check_has(several, run, xdist, given, more):
    result = run(given, *more, "--monitorpy=checks.yaml::lone")
    text = f"*not found: {given.removeprefix('--monitorpy=')}{'*did you mean ?web?[?]' if 'core' not in given else ''}*"
    if xdist == "active":  # xdist goes on with what was collected elsewhere, and ends as with --continue-on-collection-errors
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines([text])
    else:
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([text])
    assert "passed" not in result.parseoutcomes() or more


def test_a_folder_that_pytest_leaves_out_is_entered_for_the_wanted_file_only(project, run):
    """Such as norecursedirs name, or --ignore: pytest would find nothing in it, and say nothing."""
    project.write("conftest.py", "collect_ignore = ['ignored']", more=PLUGINS)
    project.write(
        "build/conftest.py", "import pytest\n@pytest.fixture(autouse=True)\ndef seen(request): print('seen', request.node.name)\n"
    )
    for folder in ("build", ".hidden/deep", "given", "ignored", "pkg"):
        project.write(f"{folder}/checks.yaml", ONE.format("a"))
        project.write(f"{folder}/other.yaml", ONE.format("b"))
        project.write(f"{folder}/test_{folder[:3].strip('.')}.py", "def test_other(): pass")
    project.write("pkg/__init__.py", "")
    project.write("build/inner/test_deep.py", "def test_other(): pass")
    project.write("test_own.py", "def test_own(): pass")
    files = ["build/checks.yaml", ".hidden/deep/checks.yaml", "given/checks.yaml", "ignored/checks.yaml", "pkg/checks.yaml"]
    expected = sorted([*(f"{file}::a" for file in files), "pkg/test_pkg.py::test_other", "test_own.py::test_own"])
    result = run(".", *(f"--monitorpy={file}" for file in files), "--ignore=given", "-rA")
    assert sorted(line.removeprefix("PASSED ") for line in result.outlines if line.startswith("PASSED")) == expected
    result.stdout.fnmatch_lines(["seen a"])
    project.pytester.makeini(f"[pytest]\nmonitorpy_files = {' '.join(files)}")
    assert sorted(collected(project, "--ignore=given")) == expected


def test_what_pytest_does_not_come_to_is_missed(project):
    """A folder that collects itself may leave out a file."""
    project.conftest("""
        class Listed(pytest.Directory):
            def collect(self):
                return []

        def pytest_collect_directory(path, parent):
            return Listed.from_parent(parent, path=path) if path.name == "listed" else None
    """)
    path = project.write("listed/checks.yaml", ONE.format("a"))
    project.write("test_own.py", "def test_own(): pass")
    result = project.run("--monitorpy=listed/checks.yaml", ".")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: not found: {path}"])


def test_names_that_are_too_long_for_a_path(several, project):
    assert project.run("checks.yaml::" + "x" * 5000).ret == pytest.ExitCode.USAGE_ERROR
    assert project.run("--monitorpy=" + "x" * 5000).ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    "options, expected",
    [
        (("-k", "home"), HOME),
        (("-k", "web or lone"), [*HOME, ALL[-1]]),
        (("-k", "eu-west"), HOME),
        (("-m", "prod and not eu-west"), ["checks.yaml::core::db"]),
        (("-m", "monitorpy(group='core')"), ["checks.yaml::core::db"]),
        (("-m", "monitorpy(type='say')"), ALL),
        (("--deselect=checks.yaml::web",), ALL[3:]),
    ],
)
def test_selection_by_pytests_own_options(several, project, options, expected):
    assert collected(project, "--monitorpy=checks.yaml", "--strict-markers", *options) == expected


def test_what_failed_last_inside_and_outside_of_the_root_directory(project, run, xdist, tmp_path_factory):
    """Two files of one name, and one of them has an absolute node id; a warning is no failure."""
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "checks.yaml"
    text = """
        - {id: a, plugin: say}
        - {id: b, plugin: say, config: {status: error}}
        - {id: c, plugin: say, config: {status: warning}}
    """
    elsewhere.write_text(text)
    project.write("checks.yaml", text)

    def outcomes(*options):
        files = ("--monitorpy=checks.yaml", f"--monitorpy={elsewhere}")
        return run(*files, "-p", "cacheprovider", *options, fast=False).parseoutcomes()

    assert outcomes() == {"passed": 2, "failed": 2, "xfailed": 2}
    assert outcomes("--lf")["failed"] == 2
    assert "passed" not in outcomes("--lf")
    assert outcomes("--lf", f"--deselect={elsewhere}") == {"failed": 1, **({} if xdist == "active" else {"deselected": 5})}
    assert outcomes("--ff", "-x")["failed"] == 1


@pytest.mark.parametrize("value", ["nope.yaml", "empty", "*.nothing", "::home"])
def test_nothing_matches(project, run, value):
    (project.path / "empty").mkdir()
    result = run(f"--monitorpy={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --monitorpy: *"])


def test_directories_and_globs(project, run):
    project.write("m/b.yaml", ONE.format("b"))
    project.write("m/a/z.yml", ONE.format("z"))
    project.write("m/other.yaml", "services: {}")
    project.write("m/.hidden/h.yaml", ONE.format("h"))
    project.write("m/list.json", '[{"id": "j", "plugin": "say"}]')
    for value in ("m", "m/**/*[abzt].[yj]*"):
        result = run(f"--monitorpy={value}", "-rA")
        result.assert_outcomes(passed=3)
        result.stdout.fnmatch_lines_random(["PASSED m/b.yaml::b", "PASSED m/a/z.yml::z", "PASSED m/list.json::j"])


def test_a_positional_file_that_looks_like_checks(project, run):
    project.write("checks.yaml", ONE.format("a"))
    run("checks.yaml").assert_outcomes(passed=1)


def test_other_yaml_is_left_alone(project):
    project.write("compose.yaml", "services: {}")
    assert project.run("compose.yaml").ret in {pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.USAGE_ERROR}
    project.write("checks.yaml", ONE.format("a"))
    assert collected(project, ".") == []


def test_an_option_takes_what_does_not_look_like_checks(project):
    project.write("checks.conf", "services: {}")
    result = project.run("--monitorpy=checks.conf")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["checks.conf:1:*unknown key*"])


def test_ini_files_run_beside_the_tests(several, project, run):
    project.pytester.makeini("[pytest]\nmonitorpy_files = *.yaml")
    run().assert_outcomes(passed=6)
    run("test_own.py").assert_outcomes(passed=1)


def test_ini_files_that_do_not_exist(project):
    project.pytester.makeini("[pytest]\nmonitorpy_files = nope.yaml")
    assert project.run().ret == pytest.ExitCode.USAGE_ERROR


def test_the_conftest_beside_the_file_may_add_options(project):
    project.write("m/checks.yaml", ONE.format("a"))
    project.write("m/conftest.py", "def pytest_addoption(parser): parser.addoption('--mine', action='store_true')")
    project.run("--monitorpy=m/checks.yaml", "--mine").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "options",
    [
        *(("-c", "other.ini"), ("--rootdir=.",), ("--import-mode=importlib",), ("--import-mode=append",), ("-n0",), ("--pyargs",)),
        *(("--ignore=checks.yaml",), ("--ignore-glob=*.yaml",), ("--noconftest", "-p", "own"), ("--strict-config", "--strict-markers")),
        *([("-o", "strict=true")] if pytest.version_tuple >= (9,) else []),
    ],
)
def test_selection_beside_other_options(project, options):
    project.write("own.py", (project.path / "conftest.py").read_text())
    project.write("other.ini", "[pytest]\naddopts = -rA")
    project.write("checks.yaml", ONE.format("a"))
    project.pytester.syspathinsert()
    assert collected(project, "--monitorpy=checks.yaml", *options) == ["checks.yaml::a"]


def test_options_from_the_environment(project, monkeypatch):
    project.write("checks.yaml", "checks: [{id: a, plugin: say}, {id: b, plugin: say, tags: [prod]}]")
    monkeypatch.setenv("PYTEST_ADDOPTS", f"{os.environ['PYTEST_ADDOPTS']} --monitorpy=checks.yaml -m prod")
    project.run().assert_outcomes(passed=1, deselected=1)


def test_a_file_outside_the_root_directory(project, run, tmp_path_factory):
    path = tmp_path_factory.mktemp("elsewhere") / "checks.yaml"
    path.write_text(SELECTABLE)
    result = run(f"--monitorpy={path}", f"--rootdir={project.path}", "-rA")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines([f"PASSED {path}::lone"])


@pytest.mark.parametrize("more", [(), ("-n2",), ("-p", "no:xdist", "-s")])
def test_standard_input(project, more):
    text = b"checks: [{id: a, plugin: say}, {id: b, plugin: say, config: {status: error}}]"
    result = project.pytester.run(sys.executable, "-m", "pytest", "--monitorpy=-", *FAST, *more, stdin=text)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["<stdin>:1: error", "FAILED <stdin>::b - it is a error"])


@pytest.mark.parametrize("more", [(), ("-n2",)])
def test_standard_input_that_is_no_text(project, more):
    result = project.pytester.run(sys.executable, "-m", "pytest", "--monitorpy=-", *FAST, *more, stdin=b'checks: [{id: "\xff"}]')
    assert result.ret != 0
    result.stdout.fnmatch_lines(["<stdin>:1:16: byte 0xff is not UTF-8: *"])


def test_no_standard_input(project):
    command = f"{sys.executable} -m pytest --monitorpy=- -p no:hypothesispytest <&-"
    done = subprocess.run(command, shell=True, cwd=project.path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (pytest.ExitCode.USAGE_ERROR, "ERROR: --monitorpy=-: there is no standard input")


@pytest.mark.parametrize("given", ["text", "bytes", "worker", None])
def test_standard_input_in_this_process(project, monkeypatch, given):
    """Such as a program has put there that calls pytest; of what is kept of it nothing stays behind."""
    data = b"checks: [{id: a, plugin: say}]"
    stdin = {"text": io.StringIO(data.decode()), "bytes": io.TextIOWrapper(io.BytesIO(data))}
    monkeypatch.setattr("sys.stdin", stdin.get(given))
    monkeypatch.setattr(tempfile, "tempdir", str(project.path))
    plugins = [AsWorker(monitorpy_stdin=data)] if given == "worker" else []
    result = project.pytester.inline_run(*FAST, "--monitorpy=-", plugins=plugins)
    if given is None:
        assert result.ret == pytest.ExitCode.USAGE_ERROR
    else:
        result.assertoutcome(passed=1)
    assert list(project.path.glob("monitorpy-*")) == []


def test_names_and_other_files_beside_standard_input(several, project):
    project.write("m/conftest.py", "def pytest_addoption(parser): parser.addoption('--mine', action='store_true')")
    project.write("m/checks.yaml", ONE.format("a"))
    text = b"checks: [{id: a, plugin: say}, {id: b, plugin: say}, {id: c, plugin: say}]"
    options = ("--monitorpy=-::b", "--monitorpy=m/checks.yaml", "--monitorpy=-::c", "--mine", "--co", "-q")
    result = project.pytester.run(sys.executable, "-m", "pytest", *FAST, *options, stdin=text)
    assert [line for line in result.outlines if "::" in line] == ["<stdin>::b", "<stdin>::c", "m/checks.yaml::a"]
