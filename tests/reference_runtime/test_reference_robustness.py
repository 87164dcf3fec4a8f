"""Input that would do harm: create errors in one line, or does as it is told."""

from __future__ import annotations

import os

import pytest

from reference_runtime import container, errors, validate


def refusal(runtime, bundle) -> str:
    """Return the one line with which create refuses a bundle."""
    result = runtime("create", "-b", str(bundle), runtime.new_id())
    assert result.status == 1
    (line,) = result.stderr.splitlines()
    assert list(runtime.root.glob("*")) == []
    return str(line)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_a_configuration_that_is_no_file(runtime, make_bundle, make):
    bundle = make_bundle({})
    (bundle / "config.json").unlink()
    make(bundle / "config.json")

    assert "config.json: is" in refusal(runtime, bundle)


def test_a_hook_may_take_as_long_as_a_timeout_can_say(runtime, config, make_bundle, log):
    config["hooks"] = {"createRuntime": [{**log.hook("ran"), "timeout": 2**31 - 1}]}

    runtime.create(make_bundle(config))

    assert log.words == ["ran"]


@pytest.mark.parametrize(
    "key",
    ["net/../vm/swappiness", "net.//.vm.swappiness", "net/./x", "net..x", "net/ipv4/", "net."],
)
def test_a_kernel_parameter_does_not_lead_out_of_its_namespace(config, key):
    config["linux"]["sysctl"] = {key: "60"}

    with pytest.raises(errors.OperationError, match="not the name of a kernel parameter"):
        validate.configuration(config)


@pytest.mark.parametrize(
    "key", ["net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding"]
)
def test_a_kernel_parameter_may_have_a_dot_in_its_name(config, key):
    config["linux"]["sysctl"] = {key: "1"}

    validate.configuration(config)


def test_a_working_directory_of_very_many_parts(runtime, config, make_bundle):
    config["process"]["cwd"] = "/x" * 2000

    assert ": process.cwd: " in refusal(runtime, make_bundle(config))


def test_an_error_is_one_printable_line_of_a_readable_length(runtime, config, make_bundle):
    config["linux"]["maskedPaths"] = ["x\n\r\x1b[2J" + "y" * 100_000]

    line = refusal(runtime, make_bundle(config))

    assert line.startswith("reference-runtime: linux.maskedPaths[0]: ")
    assert line.isprintable()
    assert len(line) < 500


def test_a_claim_that_fails_leaves_no_directory(tmp_path):
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"x": deep}

    with pytest.raises(RecursionError):
        container.claim(str(tmp_path / "root"), "c", {"annotations": deep})

    assert list((tmp_path / "root").iterdir()) == []
    while deep:  # the interpreter frees it one by one: not by recursion
        deep = deep["x"]  # type: ignore[assignment]
