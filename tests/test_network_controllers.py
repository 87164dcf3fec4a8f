"""net_cls and net_prio are mounted for a case although an earlier run left a hierarchy behind."""

from __future__ import annotations

from harness import host, linux, network_controllers


def test_only_abandoned_hierarchies_of_these_two_are_ended(monkeypatch, tmp_path):
    done = []
    left = ["cpu", "cpu,net_cls", "name=systemd", "net_cls,net_prio", "net_prio"]
    monkeypatch.setattr(host, "abandoned_hierarchies", lambda: left)
    monkeypatch.setattr(linux, "mount", lambda *_, data: done.append(("mount", data)))
    monkeypatch.setattr(linux, "umount2", lambda *_: done.append(("unmount", done[-1][1])))

    network_controllers.end_abandoned(tmp_path)

    assert done == [
        ("mount", "net_cls,net_prio"),
        ("unmount", "net_cls,net_prio"),
        ("mount", "net_prio"),
        ("unmount", "net_prio"),
    ]


def test_another_worker_may_have_been_faster(monkeypatch, tmp_path):
    monkeypatch.setattr(host, "abandoned_hierarchies", lambda: ["net_cls", "net_prio"])
    asked = []

    def busy(*_, data):
        asked.append(data)
        raise OSError

    monkeypatch.setattr(linux, "mount", busy)

    network_controllers.end_abandoned(tmp_path)

    assert asked == ["net_cls", "net_prio"]
