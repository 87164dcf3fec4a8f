"""The runtime called by an ordinary user: operations and ID mappings."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from pathlib import Path

import pytest

from reference_runtime import errors, id_maps
from tests.reference_runtime.ordinary import SUBORDINATE, UID
from tests.reference_runtime.rootless.looks import init_file, refused, rows


class TestLifecycle:
    """Every operation, with one ID and no cgroup."""

    def test_a_whole_lifecycle(self, runtime, config, make_bundle):
        identifier = runtime.create(make_bundle(config))
        assert runtime.state(identifier)["status"] == "created"
        assert runtime("start", identifier).ok
        state = runtime.state(identifier)
        assert state["status"] == "running"
        listed = json.loads(runtime("list", "--format=json").stdout)
        assert [(entry["id"], entry["owner"]) for entry in listed] == [(identifier, str(UID))]

        runtime.stop(identifier)
        assert runtime("delete", identifier).ok

        assert not runtime.knows(identifier)
        assert list(runtime.root.iterdir()) == []

    @pytest.mark.parametrize("status", ["created", "running"])
    def test_exec_and_ps(self, runtime, config, make_bundle, status):
        identifier = runtime.create(make_bundle(config))
        if status == "running":
            assert runtime("start", identifier).ok
        process = runtime.work / "process.json"
        process.write_text(json.dumps(config["process"]))
        pid_file = runtime.work / "pid"

        result = runtime(
            "exec", "--detach", "--process", str(process), "--pid-file", str(pid_file), identifier
        )

        assert result.ok, result.stderr
        pids = json.loads(runtime("ps", "--format=json", identifier).stdout)
        assert sorted(pids) == sorted([runtime.state(identifier)["pid"], int(pid_file.read_text())])

    def test_exec_gives_the_exit_status(self, runtime, config, make_bundle):
        identifier = runtime.create(make_bundle(config))
        assert runtime("start", identifier).ok

        assert runtime("exec", identifier, "/program", "exit", "7").status == 7

    def test_kill_all_reaches_every_process_without_a_cgroup(self, runtime, config, make_bundle):
        identifier = runtime.create(make_bundle(config))
        assert runtime("start", identifier).ok
        pid_file = runtime.work / "pid"
        words = ["exec", "--detach", "--pid-file", str(pid_file), identifier, "/program", "wait"]
        assert runtime(*words).ok
        status = Path(f"/proc/{pid_file.read_text()}/stat")

        assert runtime("kill", "--all", identifier, "STOP").ok  # TERM would end init, and so all

        deadline = time.monotonic() + 10
        while status.read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < deadline

    def test_pause_without_a_freezer_says_so(self, runtime, config, make_bundle):
        identifier = runtime.create(make_bundle(config))

        result = runtime("pause", identifier)

        assert result.status == 1
        assert "no cgroup that can be frozen" in result.stderr

    def test_hooks_run_as_the_user(self, runtime, config, make_bundle):
        script = f"id -u > {runtime.work}/id"
        hook = {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin"]}
        config["hooks"] = {"createRuntime": [hook]}

        runtime.create(make_bundle(config))

        assert (runtime.work / "id").read_text() == f"{UID}\n"

    def test_no_user_namespace_is_an_error(self, runtime, config, make_bundle):
        config["linux"]["namespaces"].remove({"type": "user"})
        for kind in ("uid", "gid"):
            del config["linux"][f"{kind}Mappings"]

        assert "linux.namespaces: an ordinary user needs" in refused(runtime, make_bundle(config))

    def test_root_of_a_user_namespace_is_rootless_too(self, runtime, config, make_bundle):
        """As podman calls it: in a namespace of podman's, and none is configured."""
        config["linux"]["namespaces"].remove({"type": "user"})
        for kind in ("uid", "gid"):
            del config["linux"][f"{kind}Mappings"]
        config["linux"]["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
        bundle = make_bundle(config)
        runtime.inside = [shutil.which("unshare"), "--user", "--map-root-user", "--mount"]

        identifier = runtime.create(bundle)

        runtime.inside = []
        assert runtime("start", identifier).ok
        assert stat.S_ISCHR(init_file(runtime, identifier, "root/dev/null").stat().st_mode)
        assert rows(runtime, identifier, "uid") == [[0, UID, 1]]


class TestMappings:
    """linux.uidMappings and linux.gidMappings."""

    def test_the_own_id_needs_no_helper(self, runtime, config, make_bundle):
        identifier = runtime.create(make_bundle(config))

        assert [rows(runtime, identifier, kind) for kind in ("uid", "gid")] == [[[0, UID, 1]]] * 2
        # Without it the kernel would have refused gid_map (user_namespaces(7)).
        status = init_file(runtime, identifier, "setgroups").read_text()
        assert status == "deny\n"

    def test_ranges_are_mapped_by_the_helpers(self, runtime, config, make_bundle, place):
        if not shutil.which("newuidmap"):
            pytest.skip("needs newuidmap and newgidmap")
        grant(runtime, place, f"{UID}:{SUBORDINATE}:65536\n")
        ranges(config)

        identifier = runtime.create(make_bundle(config))

        expected = [[0, UID, 1], [1, SUBORDINATE, 65536]]
        assert [rows(runtime, identifier, kind) for kind in ("uid", "gid")] == [expected] * 2
        assert init_file(runtime, identifier, "setgroups").read_text() == "allow\n"
        assert runtime("start", identifier).ok

    def test_a_root_that_is_not_the_user(self, runtime, config, make_bundle, place):
        """The runtime has to signal and wait for a process of another ID."""
        if not shutil.which("newuidmap"):
            pytest.skip("needs newuidmap and newgidmap")
        grant(runtime, place, f"{UID}:{SUBORDINATE}:65536\n")
        for kind in ("uid", "gid"):
            row = {"containerID": 0, "hostID": SUBORDINATE, "size": 10}
            config["linux"][f"{kind}Mappings"] = [row]

        bundle = make_bundle(config)
        for path in (bundle / "rootfs", bundle / "rootfs/program"):
            os.chown(path, SUBORDINATE, SUBORDINATE)

        identifier = runtime.create(bundle)
        assert runtime("start", identifier).ok
        assert init_file(runtime, identifier, "").stat().st_uid == SUBORDINATE

        assert runtime("exec", identifier, "/program", "exit", "3").status == 3
        runtime.stop(identifier)
        assert runtime("delete", identifier).ok

    def test_a_range_that_was_not_granted(self, runtime, config, make_bundle, place):
        if not shutil.which("newuidmap"):
            pytest.skip("needs newuidmap and newgidmap")
        grant(runtime, place, "")
        ranges(config)

        said = refused(runtime, make_bundle(config))

        assert "linux.gidMappings: newgidmap has failed: " in said

    def test_a_helper_that_is_not_installed(self, monkeypatch):
        monkeypatch.setattr(id_maps, "DIRECTORIES", ("/nonexistent",))

        with pytest.raises(errors.OperationError, match=r"newgidmap .*is not installed"):
            id_maps.find("newgidmap")


def grant(runtime, place, text):
    """Have the helpers find this in subuid(5) and subgid(5): in a mount namespace of the call's."""
    users = Path("/etc/passwd").read_text()
    texts = {
        "passwd": f"{users}ordinary:x:{UID}:{UID}::/:/bin/sh\n",
        "subuid": text,
        "subgid": text,
    }
    script = 'exec "$@"'
    for name, content in texts.items():
        if not Path("/etc", name).exists():
            pytest.skip(f"needs /etc/{name}")
        (place / name).write_text(content)
        script = f"mount --bind {place / name} /etc/{name}; {script}"
    runtime.before = ["unshare", "--mount", "--propagation=private", "sh", "-ec", script, "sh"]
    runtime.before[0] = shutil.which("unshare")
    runtime.env = {"LEAK": "1"}


def ranges(config):
    for kind in ("uid", "gid"):
        config["linux"][f"{kind}Mappings"] = [
            {"containerID": 0, "hostID": UID, "size": 1},
            {"containerID": 1, "hostID": SUBORDINATE, "size": 65536},
        ]
