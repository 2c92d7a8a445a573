"""Who answers for the virtual IP, and does it serve? Seen from a third host, 20 times a second.

watch_vip VIP PORT SECONDS

Asks by ARP who has the address and counts the hardware addresses that answer each question: two are two holders.
Beside that it connects to the port. Prints one JSON object: questions, answered, doubled (questions with two answers),
silence_s (longest time without any answer), connects, dark_s (longest time without a successful connect), holders.
"""

import fcntl
import json
import socket
import struct
import sys
import threading
import time

EVERY_S = 0.05
ARP = 0x0806


def own_interface(vip):
    """Name, hardware address and address of the interface that leads to the virtual IP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((vip, 9))
        address = probe.getsockname()[0]
    for _index, name in socket.if_nameindex():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            request = struct.pack("256s", name.encode())
            try:
                found = socket.inet_ntoa(fcntl.ioctl(probe, 0x8915, request)[20:24])
                hardware = fcntl.ioctl(probe, 0x8927, request)[18:24]
            except OSError:
                continue
            if found == address:
                return name, hardware, address
    raise SystemExit(f"no interface has {address}")


def question(hardware, address, vip):
    """Who has the virtual IP? (RFC 826)"""
    arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
    arp += hardware + socket.inet_aton(address) + b"\0" * 6 + socket.inet_aton(vip)
    return b"\xff" * 6 + hardware + struct.pack("!H", ARP) + arp


def answers(link, vip, until):
    """Hardware addresses that said they have it, until a moment."""
    found = set()
    while (left := until - time.monotonic()) > 0:
        link.settimeout(left)
        try:
            frame = link.recv(2048)
        except TimeoutError:
            break
        if frame[20:22] == b"\0\2" and frame[28:32] == socket.inet_aton(vip):
            found.add(frame[22:28].hex(":"))
    return found


def connects(vip, port, end, seen):
    """One connection after the other; a gap counts from the last success to the next."""
    while time.monotonic() < end:
        began = time.monotonic()
        try:
            with socket.create_connection((vip, port), timeout=0.2):
                seen.append(time.monotonic())
        except OSError:
            pass
        time.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))


def longest(moments, begin, end):
    """Longest time between two of them, the ends included."""
    edges = [begin, *moments, end]
    return round(max(after - before for before, after in zip(edges, edges[1:])), 3)


def main(vip, port, seconds):
    name, hardware, address = own_interface(vip)
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ARP))
    link.bind((name, ARP))
    begin = time.monotonic()
    end = begin + float(seconds)
    connected = []
    thread = threading.Thread(target=connects, args=(vip, int(port), end, connected))
    thread.start()
    asked, doubled, heard, holders = 0, 0, [], []
    while time.monotonic() < end:
        link.send(question(hardware, address, vip))
        asked += 1
        who = answers(link, vip, time.monotonic() + EVERY_S)
        if who:
            heard.append(time.monotonic())
        if len(who) > 1:
            doubled += 1
        holders += [one for one in sorted(who) if holders[-1:] != [one]]
    thread.join()
    print(json.dumps({
        "questions": asked, "answered": len(heard), "doubled": doubled, "silence_s": longest(heard, begin, end),
        "connects": len(connected), "dark_s": longest(connected, begin, end), "holders": holders,
    }))  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
