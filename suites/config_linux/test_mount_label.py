"""Mount label."""

from harness import clause, kernel, requires, tolerates_an_error

LABEL = "system_u:object_r:svirt_sandbox_file_t:s0:c1,c2"
MOUNTS = [{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"}]


@clause("linux.mount-label.applied")
@requires(kernel.selinux)
def test_labels_the_mounts(create, shared):
    plain = shared("linux", mounts=MOUNTS, linux={}).process.mountinfo

    container = create("linux", mounts=MOUNTS, linux={"mountLabel": LABEL}).start()
    assert container.facts

    of = [line for line in container.process.mountinfo.splitlines() if " /mnt " in line]
    assert (LABEL in of[0], LABEL in plain) == (True, False)


@clause("linux.mount-label.cannot-apply-errors")
@requires(kernel.no_selinux)
def test_may_refuse_a_label_that_it_cannot_apply(create, shared, record):
    assert shared("linux", mounts=MOUNTS, linux={}).facts

    with tolerates_an_error() as outcome:
        create("linux", mounts=MOUNTS, linux={"mountLabel": LABEL}).start()

    record("a label without SELinux", "an error" if outcome.refused else "ignored")
