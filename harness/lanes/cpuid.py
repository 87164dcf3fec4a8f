"""A processor with resource control: qemu's, to which CPUID leaves are added as the guest boots.

No emulated processor has Intel RDT, but the kernel's resctrl needs little of one: the answers of
CPUID, and registers that take a bit mask, which under emulation any does. Linux reads CPUID in one
function, native_cpuid() of arch/x86/kernel/paravirt.c; there the guest is stopped through qemu's
gdb stub until the kernel has started all of its parts, and given the leaves below. What runs then
is the kernel's own resctrl; that no cache is really divided, no case can see.

Sources: Intel SDM volume 3, 18.18 and 18.19; gdb's Remote Serial Protocol.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.faults import HarnessError

if TYPE_CHECKING:
    import socket

FUNCTION, DONE = "native_cpuid", "free_initmem"
"""Of the kernel: where it reads CPUID, and what it calls after all of its parts have started."""

CQM, RDT_A = 1 << 12, 1 << 15
"""Of leaf 7: monitoring and allocation."""

LEAVES: dict[tuple[int, int], tuple[int, int, int, int]] = {
    # Monitoring: of the L3 cache, with 32 groups: occupancy, total and local bandwidth.
    (0xF, 0): (0, 31, 0, 1 << 1),
    (0xF, 1): (0, 64, 31, 0b111),
    # Allocation: of the L3 cache and of memory bandwidth.
    (0x10, 0): (0, 1 << 1 | 1 << 3, 0, 0),
    # Masks of 12 bits, no share of others, 16 classes.
    (0x10, 1): (11, 0, 0, 15),
    # Throttled by at most 90 %, in steps, 8 classes.
    (0x10, 3): (89, 0, 1 << 2, 7),
}
"""EAX, EBX, ECX, EDX by leaf and subleaf."""

RDX, RSI, RCX, RDI, RSP, RIP = 3, 4, 2, 5, 7, 16
"""Numbers of registers in gdb's order."""


@dataclass
class Stub:
    """The gdb stub of qemu: packets ``$data#sum``, each acknowledged by ``+``."""

    stream: socket.socket
    _buffer: bytes = b""

    def ask(self, data: str) -> str:
        """Send a packet and return the answer to it."""
        self.send(data)
        return self.receive()

    def send(self, data: str) -> None:
        """Send a packet."""
        total = sum(data.encode()) % 256
        self.stream.sendall(f"${data}#{total:02x}".encode())

    def receive(self) -> str:
        """Return the next packet; HarnessError if qemu ends first."""
        while b"#" not in self._buffer[:-2]:
            more = self.stream.recv(65536)
            if not more:
                raise HarnessError("the guest ended while it booted")
            self._buffer += more
        packet, _, rest = self._buffer.partition(b"#")
        self._buffer = rest[2:]
        self.stream.sendall(b"+")
        return packet.partition(b"$")[2].decode(errors="replace")

    def register(self, number: int) -> int:
        """Return a register of 64 bits."""
        return int(struct.unpack("<Q", bytes.fromhex(self.ask(f"p{number:x}")))[0])

    def set_register(self, number: int, value: int) -> None:
        """Set a register of 64 bits."""
        self._ok(f"P{number:x}={struct.pack('<Q', value).hex()}")

    def read(self, address: int, length: int) -> bytes:
        """Read memory of the kernel."""
        return bytes.fromhex(self.ask(f"m{address:x},{length:x}"))

    def write(self, address: int, data: bytes) -> None:
        """Write memory of the kernel."""
        self._ok(f"M{address:x},{len(data):x}:{data.hex()}")

    def stop_at(self, address: int) -> None:
        """Set a breakpoint: one of qemu's, of which the guest sees nothing."""
        self._ok(f"Z1,{address:x},1")

    def stop_no_more_at(self, address: int) -> None:
        """Remove a breakpoint."""
        self._ok(f"z1,{address:x},1")

    def go(self, verb: str) -> int:
        """Continue (c) or step (s) until a processor stops; speak of it then, return its rip."""
        stopped = self.ask(verb)
        # T05thread:p01.02;
        thread = stopped.partition("thread:")[2].partition(";")[0]
        if thread:
            self._ok(f"Hg{thread}")
            self._ok(f"Hc{thread}")
        return self.register(RIP)

    def _ok(self, data: str) -> None:
        if (said := self.ask(data)) != "OK":
            raise HarnessError(f"qemu's gdb stub refuses {data[:40]} ({said[:40]})")


def serve(stream: socket.socket, symbols: dict[str, int], seconds: float) -> None:
    """Boot the guest that waits behind its gdb stub, answering its questions about CPUID."""
    stream.settimeout(seconds)
    try:
        _boot(Stub(stream), symbols)
    except OSError as error:
        raise HarnessError(f"qemu's gdb stub does not answer ({error})") from error


def _boot(stub: Stub, symbols: dict[str, int]) -> None:
    # Single registers are for those only who have asked which there are.
    stub.ask("qXfer:features:read:target.xml:0,100")
    for symbol in (FUNCTION, DONE):
        stub.stop_at(symbols[symbol])
    while (at := stub.go("c")) != symbols[DONE]:
        if at == symbols[FUNCTION]:
            _answer(stub)
    for symbol in (FUNCTION, DONE):
        stub.stop_no_more_at(symbols[symbol])
    stub.ask("D")


def _answer(stub: Stub) -> None:
    """Give the leaf that native_cpuid(eax, ebx, ecx, edx) is asked for, if it is one of ours.

    Its arguments are pointers, in rdi, rsi, rdx and rcx; EAX and ECX have leaf and subleaf.
    """
    pointers = [stub.register(number) for number in (RDI, RSI, RDX, RCX)]
    leaf, subleaf = (_number(stub.read(pointers[place], 4)) for place in (0, 2))
    if (values := LEAVES.get((leaf, subleaf))) is not None:
        for pointer, value in zip(pointers, values, strict=True):
            stub.write(pointer, struct.pack("<I", value))
        _return(stub)
    elif (leaf, subleaf) == (7, 0):
        _after(stub, pointers[1])
    else:
        # A processor that goes on from a breakpoint stops at it again; one that steps does not.
        stub.go("s")


def _return(stub: Stub) -> None:
    """Return from the function at its first instruction."""
    rsp = stub.register(RSP)
    stub.set_register(RIP, struct.unpack("<Q", stub.read(rsp, 8))[0])
    stub.set_register(RSP, rsp + 8)


def _after(stub: Stub, ebx: int) -> None:
    """Let the processor answer leaf 7, then add its two bits to EBX."""
    rsp = stub.register(RSP)
    back = struct.unpack("<Q", stub.read(rsp, 8))[0]
    stub.go("s")
    stub.stop_at(back)
    while stub.go("c") != back or stub.register(RSP) != rsp + 8:
        stub.go("s")  # another processor, or another depth
    stub.stop_no_more_at(back)
    value = _number(stub.read(ebx, 4)) | CQM | RDT_A
    stub.write(ebx, struct.pack("<I", value))


def _number(data: bytes) -> int:
    return int(struct.unpack("<I", data)[0])
