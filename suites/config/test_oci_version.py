"""Specification version."""

import pytest

from harness import clause, control, generates_an_error, tolerates_an_error
from harness.clauses import RELEASES

MALFORMED = ["", "1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0", "latest"]
MALFORMED += ["1.0.0-", "1.0.0-01", "1.0.0-rc_1", "1.0.0+"]

OUTCOMES = pytest.mark.parametrize("version", ["1.0.2-dev", "1.0.0+build.5", "1.1.0-rc.1"])


@pytest.fixture
def outcome_of(create, shared, record):
    """Create with another ociVersion, or none; record what came of it."""

    def run(version):
        with control():
            shared("waits").printed("ready")
        with tolerates_an_error() as outcome:
            create("waits", offence={"ociVersion": version}).start().printed("ready")
        record(f"ociVersion {version}", "an error" if outcome.refused else "success")

    return run


@clause("config.oci-version.required")
def test_may_do_without_a_version(outcome_of):
    outcome_of(None)


@clause("config.oci-version.semver")
@pytest.mark.parametrize("version", MALFORMED, ids=lambda text: text or "empty")
def test_refuses_what_is_no_version(create, shared, version):
    shared("waits").printed("ready")

    with generates_an_error():
        create("waits", offence={"ociVersion": version}).start()


@clause("config.oci-version.pre-release")
@OUTCOMES
def test_may_accept_a_pre_release_or_a_build(outcome_of, version):
    outcome_of(version)


@clause("config.oci-version.backward-compat")
@pytest.mark.parametrize("version", RELEASES)
def test_accepts_each_release_up_to_its_own(create, declared, version):
    declared(version)

    container = create("waits", oci_version=version).start().printed("ready")

    assert container.status() == "running"


@clause("config.oci-version.newer-major-errors")
@pytest.mark.parametrize("version", ["2.0.0", "10.0.0"])
def test_refuses_a_newer_major_version(create, shared, version):
    shared("waits").printed("ready")

    with generates_an_error():
        create("waits", offence={"ociVersion": version}).start()


@clause("config.oci-version.newer-minor-unsupported")
def test_may_accept_a_newer_minor_version(outcome_of):
    outcome_of("1.99.0")
