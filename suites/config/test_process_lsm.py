"""Linux process: apparmorProfile and selinuxLabel."""

import pytest

from harness import clause, generates_an_error, kernel, requires

DENIED = ["facts", "open=r:/denied", "open=r:/log", "say=ready", "pause"]


@pytest.fixture
def confined(bundle, create):
    """Start a program, with these members of process, that opens /denied and /log."""

    def run(**process):
        made = bundle("program", process=process, words=DENIED)
        made.inside("/denied").touch()
        return create(made).start().printed("ready")

    return run


@clause("config.process.apparmor.applied")
@requires(kernel.apparmor)
def test_runs_the_program_under_the_profile(confined, apparmor_profile):
    free = confined()

    container = confined(apparmorProfile=apparmor_profile)

    assert free.tried("/denied")["errno"] == 0
    assert container.facts["apparmor"] == f"{apparmor_profile} (enforce)\n"
    assert [container.tried(path)["errno"] for path in ("/denied", "/log")] == [13, 0]


@clause("config.process.apparmor.unknown-errors")
@requires(kernel.apparmor)
def test_refuses_a_profile_that_is_not_loaded(create, confined, apparmor_profile):
    confined(apparmorProfile=apparmor_profile)

    with generates_an_error():
        create("program", offence={"process": {"apparmorProfile": "no-such-profile"}}).start()


@clause("config.process.apparmor.unsupported-host-errors")
@requires(kernel.no_apparmor)
def test_refuses_a_profile_on_a_host_without_apparmor(create, shared):
    shared("program").printed("ready")

    with generates_an_error():
        create("program", offence={"process": {"apparmorProfile": "any-profile"}}).start()


@clause("config.process.selinux-label.applied")
@requires(kernel.selinux)
def test_runs_the_program_with_the_label(confined, selinux_label):
    free, container = confined(), confined(selinuxLabel=selinux_label)

    assert free.facts["apparmor"].rstrip("\0\n") != selinux_label
    assert container.facts["apparmor"].rstrip("\0\n") == selinux_label


@clause("config.process.selinux-label.cannot-apply-errors")
@requires(kernel.no_selinux)
def test_refuses_a_label_on_a_host_without_selinux(create, shared):
    shared("program").printed("ready")
    label = "system_u:system_r:container_t:s0"

    with generates_an_error():
        create("program", offence={"process": {"selinuxLabel": label}}).start()


@clause("config.process.selinux-label.cannot-apply-errors")
@requires(kernel.selinux)
@pytest.mark.parametrize("label", ["no label", "no_u:no_r:no_t:s0"], ids=["no-label", "unknown"])
def test_refuses_an_invalid_label(create, confined, selinux_label, label):
    confined(selinuxLabel=selinux_label)

    with generates_an_error():
        create("program", offence={"process": {"selinuxLabel": label}}).start()
