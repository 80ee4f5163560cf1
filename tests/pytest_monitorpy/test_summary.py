import pytest


def checks(*lines):
    return "checks:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


@pytest.fixture
def broken(project):
    """Two root causes with four checks behind them."""
    error = "plugin: say, config: {status: error, message: %s, url: 'http://%s/'}"
    project.write(
        "checks.yaml",
        checks(
            "id: alone, " + error % ("lonely", "web"),
            "id: first, group: data, " + error % ("refused", "db"),
            "id: alike, " + error % ("refused", "db"),
            "id: mild, plugin: say, config: {status: warning}",
            *(f"id: b{i}, plugin: say, needs: [first]" for i in range(3)),
            "id: good, plugin: say",
        ),
    )
    return project


def section(result, title):
    """The lines of a section of the terminal's summary."""
    lines = [line.strip() for line in result.outlines]
    start = next((i + 1 for i, line in enumerate(lines) if line.startswith("==") and f" {title} " in line), None)
    if start is None:
        return None
    end = next(i for i, line in enumerate(lines[start:], start) if line.startswith(("==", "monitorpy: ")))
    return lines[start:end]


CAUSES = [
    "2 root causes, 4 checks blocked or failing behind them",
    "CAUSE checks.yaml::data::first - refused (4 checks blocked or failing behind it)",
    "CAUSE checks.yaml::alone - lonely",
]


@pytest.mark.parametrize("options", [(), ("--monitorpy-strict",), ("--runxfail", "-v"), ("-q", "-rx"), ("-rN",)])
def test_root_causes_come_first(broken, run, options):
    result = run("--monitorpy=checks.yaml", *options)
    assert section(result, "monitorpy root causes") == CAUSES
    listed = not {"--monitorpy-strict", "-rx"} & set(options)
    assert section(result, "monitorpy warnings") == (["WARNED checks.yaml::mild - it is a warning"] if listed else None)
    assert section(result, "monitorpy slowest checks") is None
    result.stdout.fnmatch_lines(["monitorpy: 8 checks: 1 success, 1 warning, 3 error, 3 blocked; slowest checks.yaml::* 250 ms"])


def test_very_quiet(broken):
    assert "monitorpy" not in broken.run("--monitorpy=checks.yaml", "-q", "-q").stdout.str()


def test_colours(broken):
    text = broken.run("--monitorpy=checks.yaml", "--color=yes").stdout.str()
    assert "\x1b[31mCAUSE\x1b[0m checks.yaml::alone - lonely\n" in text
    assert "\x1b[33mWARNED\x1b[0m checks.yaml::mild - it is a warning\n" in text


def test_failures_that_stand_alone_and_are_listed_anyway_make_no_section(project):
    project.write("checks.yaml", checks(*(f"id: a{i}, plugin: say, config: {{status: error, message: m{i}}}" for i in range(3))))
    result = project.run("--monitorpy=checks.yaml")
    assert section(result, "monitorpy root causes") is None
    result.stdout.fnmatch_lines(["monitorpy: 3 checks: 3 error; slowest checks.yaml::a0 250 ms"])


def test_a_run_without_checks_says_nothing(project):
    project.write("test_own.py", "def test_own(): pass")
    result = project.run("--html=report.html")
    result.stdout.no_fnmatch_line("monitorpy:*")
    assert result.ret == 0


def test_skipped_checks_are_counted_and_took_no_time(project):
    project.write("checks.yaml", checks("id: a, plugin: say, skip: later"))
    project.run("--monitorpy=checks.yaml").stdout.fnmatch_lines(["monitorpy: 1 check: 1 skipped"])


def test_huge_runs_are_cut_and_the_cut_is_told(project, run):
    project.write(
        "checks.yaml",
        checks(
            *(f"id: e{i}, plugin: say, config: {{status: error, message: m{i}}}" for i in range(37)),
            "id: blocked, plugin: say, needs: [e36]",
            *(f"id: w{i}, plugin: say, config: {{status: warning, message: {'x' * 999}}}" for i in range(53)),
        ),
    )
    result = run("--monitorpy=checks.yaml")
    told, first, *more, rest = section(result, "monitorpy root causes")
    assert told == "37 root causes, 1 check blocked behind them"
    assert first == "CAUSE checks.yaml::e36 - m36 (1 check blocked behind it)"
    assert [line.split()[1] for line in more] == [f"checks.yaml::e{i}" for i in range(9)]
    assert rest == "... and 27 more"
    *warned, rest = section(result, "monitorpy warnings")
    assert len(warned) == 50
    assert set(map(len, warned)) <= {len("WARNED checks.yaml::w1 - ") + 303, len("WARNED checks.yaml::w10 - ") + 303}
    assert rest == "... and 3 more (-rx lists all)"


@pytest.mark.parametrize("options, listed", [((), True), (("-q",), False), (("--durations=2",), False)])
def test_the_slowest_of_many(project, options, listed):
    project.conftest("""
        @register_plugin("take")
        def take(config):
            return CheckResult.success("fine", config["seconds"])
    """)
    project.write(
        "checks.yaml",
        checks(
            *(f"id: t{i}, plugin: take, config: {{seconds: 0.{i:02}}}" for i in range(1, 10)), "id: t, plugin: take, config: {seconds: 61}"
        ),
    )
    found = section(project.run("--monitorpy=checks.yaml", *options), "monitorpy slowest checks")
    wanted = ["61.00 s checks.yaml::t", "90 ms checks.yaml::t9", "80 ms checks.yaml::t8", "70 ms checks.yaml::t7", "60 ms checks.yaml::t6"]
    assert found == (wanted if listed else None)


def test_hostile_names_and_messages(project, run):
    nasty = r"x\x1b[2J\r\n::error::pwned\u202e ##[add-mask]x"
    error = f'plugin: say, config: {{status: error, message: "{nasty}"}}'
    project.write(
        "\x1b1m.yaml",
        checks(f"id: a, {error}", f"id: same, {error}", f'id: soft, plugin: say, config: {{status: warning, message: "{nasty}"}}'),
    )
    result = run("--monitorpy=.")
    shown = r"x\x1b[2J ::error::pwned\u202e \x23#[add-mask]x"
    assert section(result, "monitorpy root causes")[1:] == [rf"CAUSE \x1b1m.yaml::a - {shown} (1 check failing behind it)"]
    assert section(result, "monitorpy warnings") == [rf"WARNED \x1b1m.yaml::soft - {shown.replace('::error', chr(92) + 'x3a:error')}"]
    result.stdout.fnmatch_lines([r"monitorpy: 3 checks: *; slowest \x1b1m.yaml::*"])


def test_after_ctrl_c(project):
    project.write("checks.yaml", checks(*(f"id: e{i}, plugin: say, config: {{status: error}}" for i in range(3))))
    project.write("test_stop.py", "def test_stop(): raise KeyboardInterrupt")
    result = project.pytester.runpytest_inprocess("checks.yaml", "test_stop.py", no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert section(result, "monitorpy root causes") == [
        "1 root cause, 2 checks failing behind it",
        "CAUSE checks.yaml::e0 - it is a error (2 checks failing behind it)",
    ]


def test_the_deadline_of_the_run_is_no_root_cause(project):
    project.conftest("""
        @register_plugin("hang")
        def hang(config):
            time.sleep(60)
    """)
    project.write("checks.yaml", checks("id: h, plugin: hang", *(f"id: b{i}, plugin: say, needs: [h]" for i in range(3))))
    result = project.run("--monitorpy=checks.yaml", "--monitorpy-deadline=0.1")
    assert section(result, "monitorpy root causes") is None
    result.assert_outcomes(failed=4)


def test_checks_that_nobody_looked_at(torn):
    result = torn.run("--monitorpy=checks.yaml", "-n2")
    assert section(result, "monitorpy checks that nobody looked at") == [
        "What blocked them failed where no test tells of it: in another process of pytest-xdist, or behind a skip.",
        "BLOCKED checks.yaml::after",
    ]
