"""buildah, which calls the runtime for each RUN."""

from __future__ import annotations

import pytest

FROM = (0, "buildah from --quiet --pull=never --name b $image")
GONE = (0, "buildah rm b")
ON_A_TERMINAL = "sh -c 'tty; echo ready; read word; echo got $word; exit 3'"
FILE = """cat > $shared/Dockerfile << end
FROM $image
RUN echo built > /file
ENV A=1
WORKDIR /tmp
USER user
{}
end"""
BUILD = "buildah bud --pull=never --layers=false -t localhost/built $shared"

OPERATIONS = {
    "run": [FROM, (4, "buildah run b -- sh -c 'echo out; echo err >&2; exit 4'", "out"), GONE],
    "run with stdin": [FROM, (0, "echo in | buildah run b -- cat", "in"), GONE],
    "run -t": [FROM, (3, f"buildah run -t b -- {ON_A_TERMINAL}", "got it", "it"), GONE],
    "run with options": [
        FROM,
        (0, "buildah run --user user -e A=1 b -- sh -c 'id; echo $A'", "uid=1000(user)"),
        (
            0,
            "buildah run --workingdir /tmp --hostname here b -- sh -c 'pwd; hostname'",
            "/tmp\nhere",
        ),
        (0, "buildah run -v $shared:/v:ro b -- sh -c 'touch /v/x || echo refused'", "refused"),
        (
            0,
            "buildah run --cap-drop all b -- grep Cap /proc/self/status",
            "CapPrm:\t0000000000000000",
        ),
        (0, "buildah run b -- grep Cap /proc/self/status", "CapPrm:\t00000000a80425fb"),
        (0, "buildah run b -- ls /proc/self/fd", "0\n1\n2\n3\n"),
        (0, "buildah run --network none b -- ls /sys/class/net", "lo"),
        GONE,
    ],
    "run in a user namespace": [
        (
            0,
            "buildah from --quiet --pull=never --name b"
            " --userns-uid-map 0:100000:2000 --userns-gid-map 0:100000:3000 $image",
        ),
        (0, "buildah run b -- cat /proc/self/uid_map", "100000"),
        GONE,
    ],
    "run what is not there": [FROM, (1, "buildah run b -- /nosuch", "exit status 1"), GONE],
    "bud": [
        (0, FILE.format("RUN id; pwd; echo A is \\$A; cat /file")),
        (0, BUILD, "uid=1000(user)"),
        (0, "podman run --rm localhost/built cat /file", "built"),
        (0, "buildah rmi localhost/built"),
    ],
    "bud that fails": [(0, FILE.format("RUN exit 5")), (5, BUILD, "exit status 5")],
}


@pytest.mark.parametrize("steps", OPERATIONS.values(), ids=OPERATIONS)
def test_buildah(compare, steps):
    compare(steps)
