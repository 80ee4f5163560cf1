from __future__ import annotations


def test_defaults(checks):
    text = """
defaults:
  timeout: 7
  retries: 1
  flaky: ok
  severity: warning
  addresses: all
  group: web
  tags: [all]
  config: {tcp_port: {port: 443, timeout: 3}}
checks:
  - {id: a, plugin: tcp_port, config: {host: h}}
  - {id: b, plugin: tcp_port, config: {host: h, port: 80, timeout: 2}, tags: [x], retries: 0, timeout: 9, flaky: warning, severity: error, addresses: one, group: g}
  - {id: c, plugin: tcp_port, config: {host: h, timeout: 2}}
  - {id: d, plugin: "fixture:f"}
"""
    one, two, three, four = checks(text)
    assert one.config == {"port": 443, "timeout": 3, "host": "h"}
    assert (one.timeout, one.retries.count, one.flaky, one.severity, one.addresses, one.group, one.tags) == (
        None,
        1,
        "ok",
        "warning",
        "all",
        "web",
        ("all",),
    )
    assert two.config == {"port": 80, "timeout": 2, "host": "h"}
    assert (two.timeout, two.retries.count, two.flaky, two.severity, two.addresses, two.group) == (9, 0, "warning", "error", "one", "g")
    assert two.tags == ("all", "x")
    assert (three.timeout, four.timeout) == (None, 7)


def test_variables_in_defaults(checks):
    text = """
vars: {p: 80, g: 7}
defaults: {config: {tcp_port: {host: "${H}", port: "${p}"}}, group: "${g}", tags: ["${g}"], timeout: "${g}"}
checks: [{id: a, plugin: tcp_port}]
"""
    found = checks(text, environ={"H": "12"})[0]
    assert (found.config, found.group, found.tags, found.timeout) == ({"host": "12", "port": 80}, "7", ("7",), 7)


def test_an_unset_variable_in_defaults_is_told_once(mistakes):
    text = 'defaults: {config: {tcp_port: {port: "${P}"}}}\nchecks: [{id: a, plugin: tcp_port, config: {host: h}}]'
    assert mistakes(text) == ["1:38: the variable 'P' is not set: set it, or write ${P:-default}"]


def test_secrets_in_texts_of_the_top(mistakes):
    text = 'defaults: {group: "${secret:S}", tags: ["${secret:S}"]}\ninclude: ["${secret:S}"]\nchecks: [{id: a, plugin: "fixture:f"}]'
    assert mistakes(text, environ={"S": "hunter2"})[:2] == [
        "1:19: a secret cannot stand in a group: it is shown everywhere",
        "1:41: a secret cannot stand in a tag: it is shown everywhere",
    ]


def test_a_missing_key_of_a_default_is_no_mistake(checks):
    assert checks("defaults: {config: {tcp_port: {host: h}}}\nchecks: [{id: a, plugin: tcp_port, config: {port: 1}}]")


def test_wrong_defaults(mistakes):
    assert mistakes("defaults: 3\nchecks: [{id: a, plugin: 'fixture:f'}]") == ["1:11: defaults: must be a mapping"]
    assert mistakes("defaults: {config: 3}\nchecks: [{id: a, plugin: 'fixture:f'}]") == ["1:20: defaults.config: must be a mapping"]
    assert mistakes("vars: 3\nchecks: [{id: a, plugin: 'fixture:f'}]") == ["1:7: vars: must be a mapping"]


def test_defaults_of_including_files(write):
    from monitorpy.checkfile import load

    write(
        a="""
defaults: {timeout: 5, severity: warning, tags: [outer], config: {tcp_port: {host: outer, port: "${P}"}, dns_record: {domain: d}}}
include: [b.yaml, c.yaml]
""",
        b="""
defaults: {timeout: 6, tags: [inner], config: {tcp_port: {host: "${P}"}}}
checks: [{id: b, plugin: tcp_port}]
""",
        c="[{id: c, plugin: tcp_port}]",
    )
    inner, bare = load("a.yaml", environ={"P": "80"}).checks
    assert (inner.config, inner.timeout, inner.severity, inner.tags) == ({"host": "80", "port": 80}, 6, "warning", ("outer", "inner"))
    assert (bare.config, bare.timeout, bare.tags) == ({"host": "outer", "port": 80}, 5, ("outer",))


def test_a_secret_may_stand_in_a_default_config(checks):
    text = 'defaults: {config: {tcp_port: {host: "${secret:S}"}}}\nchecks: [{id: a, plugin: tcp_port, config: {port: 1}}]'
    found = checks(text, environ={"S": "hunter2"})[0]
    assert found.config == {"host": "hunter2", "port": 1}
    assert found.masker.secrets == {"hunter2"}
