// What `starling-wg --help` prints.
#pragma once

namespace starling::wg {

inline constexpr const char* kHelp = R"(starling-wg - one WireGuard interface in user space

USAGE
  starling-wg [-f] [--config FILE] [--keylog FILE] [--without OFFLOADS] [--workers N] IFNAME
  starling-wg --drops [--json] IFNAME

Makes the TUN interface IFNAME and serves it until SIGINT or SIGTERM comes, the interface is removed (ip link del
IFNAME) or its socket is (rm /var/run/wireguard/IFNAME.sock). It returns as soon as the interface is ready and goes on
in the background, unless -f is given. wg(8) configures and shows the interface, wg-quick(8) uses it when told so:

  WG_QUICK_USERSPACE_IMPLEMENTATION=starling-wg wg-quick up wg0

The interface is down at first and has no address: `ip link set IFNAME up` and `ip address add` are yours, or
wg-quick's. The UDP port is open while the interface is up. Speaks with every other WireGuard.

OPTIONS
  -f, --foreground    stay in the foreground and log to standard error
      --config FILE   start with this configuration, as `wg setconf` reads it, and with the interface up
      --keylog FILE   append the keys of every handshake to FILE, for Wireshark (wg.keylog_file). Whoever has FILE can
                      read all that passes the tunnels: for looking for mistakes only
      --without LIST  do without these, with commas between them, or without all: tun-tso, tun-uso (TCP, UDP come from
                      the interface many packets in one), tun-gro, tun-ugro (and go to it so), udp-gso, udp-gro (outer
                      datagrams are sent, received so). What the kernel has not got is left out anyway
      --workers N     threads that encrypt and decrypt, 64 at most; left out or 0: as many as there are processors, one
                      where there are two or less
      --drops         ask the program that serves IFNAME (this one or starlingd) which packets it did not carry: per
                      peer and reason, with what can be done
      --json          with --drops: [{"public_key": KEY or null, "drops": {REASON: PACKETS, ...}}, ...]
  -h, --help          show this page
      --version       show the version

  IFNAME has 1 to 15 characters; no interface of this name may exist yet.

CONFIGURATION
  What `wg setconf` reads, see wg(8). A file for wg-quick is turned into such a file by `wg-quick strip`.

    [Interface]
    PrivateKey = ...                     wg genkey
    ListenPort = 51820                   any free port if left out
    FwMark = 0x51                        of the packets sent outside, for ip-rule(8); none if left out

    [Peer]
    PublicKey = ...                      wg pubkey
    PresharedKey = ...                   wg genpsk; none if left out
    Endpoint = vpn.example.org:51820     or [2001:db8::1]:51820; left out, the peer must start
    AllowedIPs = 10.0.0.2/32, fd00::/64  what is sent to this peer, and what it may send
    PersistentKeepalive = 25             seconds; off if left out

LOG
  To standard error in the foreground, to syslog (facility daemon) in the background. Packets that are not carried are
  named with the reason and what can be done, at most once a second per peer and reason. SIGUSR1 and the end log the
  counters of all peers, and how much the helpers of STARLING_WORKERS had to do.

ENVIRONMENT
  LOG_LEVEL               verbose (the default), debug (the same), error or silent
  WG_PROCESS_FOREGROUND   1 is the same as -f
  WG_TUN_FD               a TUN that is open as this file descriptor, instead of a new one
  STARLING_WITHOUT, STARLING_WORKERS
                          as --without and --workers, of starlingd too
  STARLING_AEAD           libipsec-mb or libsodium: what encrypts packets, instead of the faster one; the log says at the
                          start which it is
  WG_UAPI_FD              a UNIX socket that listens as this file descriptor, instead of /var/run/wireguard/IFNAME.sock

EXAMPLE
  starling-wg wg0
  wg setconf wg0 wg0.conf
  ip address add 10.0.0.1/24 dev wg0
  ip link set wg0 up

WHAT IS NOT AS IN wireguard-go
  A request of wg with a mistake in it changes nothing, instead of half of what it says; a port that is taken leaves the
  former one open. The log names everything that is not carried. Errors of a request are in the log with the reason.

EXIT STATUS
  0 ended as asked, 1 could not start or carry on, 2 the command line is wrong

SEE ALSO
  wg(8), wg-quick(8), starling(1) (`starling capture IFNAME -w FILE`), starlingd(8)
)";

}  // namespace starling::wg
