"""`create --plan` prints what would be done, and does nothing."""

from __future__ import annotations

import pytest

from reference_runtime import init, op_create, plan, stage

LISTS = (op_create.STEPS, stage.STEPS, init.ENVIRONMENT, init.ROOT, init.PROGRAM)


def test_the_plan_has_every_step_in_the_order_of_its_list(runtime, config, make_bundle, cgroups):
    result = runtime("create", "--plan", "--bundle", str(make_bundle(config)), "planned")

    assert result.ok, result.stderr
    lines = result.stdout.splitlines()
    for steps in LISTS:
        places = [
            index
            for step in steps
            for index, line in enumerate(lines)
            if line.startswith(f"{step.lifecycle:2}  ") and line.endswith(f" {step.describe}")
        ]
        assert len(places) >= len(steps)
        assert places == sorted(places)
    assert not runtime.root.exists()
    assert cgroups() == []


def test_the_plan_goes_through_the_lifecycle():
    numbers = [number for number, _, _ in plan.rows()]

    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, 14))


@pytest.mark.parametrize("change", [{"ociVersion": "x"}, {"root": {"path": "nowhere"}}], ids=str)
def test_the_plan_of_an_invalid_bundle_is_an_error(runtime, config, make_bundle, change):
    bundle = make_bundle({**config, **change})

    result = runtime("create", "--plan", "--bundle", str(bundle), "planned")

    assert result.status == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"reference-runtime: {next(iter(change))}")
