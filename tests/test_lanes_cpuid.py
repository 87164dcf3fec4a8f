"""Leaves of CPUID through a gdb stub; qemu is a thread here."""

from __future__ import annotations

import socket
import struct
import threading

from harness.lanes import cpuid, machine


class Qemu:
    """A stub with one kernel: stops as it is told, memory and registers of its own."""

    def __init__(self, stops, memory):
        self.stops, self.memory, self.asked = iter(stops), memory, []
        self.registers = dict.fromkeys(range(24), 0)

    def answer(self, data):
        self.asked.append(data)
        kind, rest = data[0], data[1:]
        if kind in "cs":
            self.registers.update(next(self.stops))
            return "T05thread:01;"
        if kind == "p":
            return struct.pack("<Q", self.registers[int(rest, 16)]).hex()
        if kind == "m":
            address, length = (int(word, 16) for word in rest.split(","))
            return self.memory[address].to_bytes(length, "little").hex()
        if kind == "M":
            where, value = rest.split(":")
            self.memory[int(where.split(",")[0], 16)] = int.from_bytes(
                bytes.fromhex(value), "little"
            )
        if kind == "P":
            number, value = rest.split("=")
            self.registers[int(number, 16)] = struct.unpack("<Q", bytes.fromhex(value))[0]
        return "OK"

    def serve(self, stream):
        buffer = b""
        while more := stream.recv(4096):
            buffer += more.replace(b"+", b"")
            while b"#" in buffer[:-2]:
                packet, _, buffer = buffer.partition(b"#")
                buffer = buffer[2:]
                said = self.answer(packet.removeprefix(b"$").decode())
                stream.sendall(f"+${said}#{sum(said.encode()) % 256:02x}".encode())


AT, DONE, BACK, STACK = 0x1000, 0x2000, 0x3000, 0x9000
SYMBOLS = {cpuid.FUNCTION: AT, cpuid.DONE: DONE}


def booted(qemu):
    ours, qemus = socket.socketpair()
    thread = threading.Thread(target=qemu.serve, args=(qemus,))
    thread.start()
    with qemus, ours:
        cpuid.serve(ours, SYMBOLS, 10)
        ours.shutdown(socket.SHUT_RDWR)
        thread.join()
    return qemu


def asking(leaf, subleaf):
    """The registers and the memory with which the kernel calls native_cpuid."""
    registers = {cpuid.RIP: AT, cpuid.RSP: STACK}
    registers |= {cpuid.RDI: 0xA, cpuid.RSI: 0xB, cpuid.RDX: 0xC, cpuid.RCX: 0xD}
    return registers, {STACK: BACK, 0xA: leaf, 0xB: 0, 0xC: subleaf, 0xD: 0}


def test_a_leaf_of_ours_is_answered_without_the_processor():
    registers, memory = asking(0x10, 1)

    qemu = booted(Qemu([registers, {cpuid.RIP: DONE}], memory))

    assert [memory[at] for at in (0xA, 0xB, 0xC, 0xD)] == list(cpuid.LEAVES[0x10, 1])
    assert f"P{cpuid.RIP:x}={struct.pack('<Q', BACK).hex()}" in qemu.asked
    assert "s" not in qemu.asked
    assert qemu.asked[-1] == "D"


def test_another_leaf_is_left_to_the_processor():
    registers, memory = asking(1, 0)

    qemu = booted(Qemu([registers, {cpuid.RIP: AT + 1}, {cpuid.RIP: DONE}], memory))

    assert [memory[at] for at in (0xA, 0xB, 0xC, 0xD)] == [1, 0, 0, 0]
    assert qemu.asked.count("s") == 1


def test_the_leaf_of_features_has_two_bits_more():
    registers, memory = asking(7, 0)
    memory[0xB] = 0b1001
    stops = [registers, {cpuid.RIP: AT + 1}, {cpuid.RIP: BACK, cpuid.RSP: STACK + 8}]

    booted(Qemu([*stops, {cpuid.RIP: DONE}], memory))

    assert memory[0xB] == 0b1001 | cpuid.CQM | cpuid.RDT_A


def test_a_guest_that_ends_as_it_boots_is_an_error_of_ours(tmp_path):
    def boot():
        ours, qemus = socket.socketpair()
        qemus.close()
        with ours:
            cpuid.serve(ours, SYMBOLS, 10)

    argv = ["/bin/sh", "-c", "exec tail -f /dev/null"]
    ended = machine.run(argv, tmp_path, deadline=20, quiet=20, boot=boot)

    assert ended.status is None
    assert "gdb stub does not answer" in ended.why or "ended while it booted" in ended.why
