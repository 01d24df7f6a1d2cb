// What the engine lets the kernel do for it with many packets at once, and what it does for the kernel: each by a name,
// each with a switch. What the kernel refuses is switched off while running.
// Source: Linux Documentation/networking/{tuntap,segmentation-offloads}.rst; udp(7): UDP_SEGMENT, UDP_GRO.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"

namespace starling::wg {

struct Offloads {
  bool tun_tso = true;   // TCP from the interface comes in packets of up to 64 KiB, cut here (TSO4, TSO6)
  bool tun_uso = true;   // UDP the same, where the kernel has it (Linux 6.2)
  bool tun_gro = true;   // TCP segments are joined to packets of up to 64 KiB before the interface gets them
  bool tun_ugro = true;  // UDP datagrams the same, where the kernel has it (Linux 6.2)
  bool udp_gso = true;   // outer datagrams are handed over many at a time (UDP_SEGMENT)
  bool udp_gro = true;   // and taken many at a time (UDP_GRO, Linux 5.12)

  friend bool operator==(const Offloads&, const Offloads&) = default;
};

struct OffloadName {
  std::string_view name;  // as people write it: "tun-tso"
  bool Offloads::*flag;
};
inline constexpr std::array<OffloadName, 6> kOffloadNames{{{"tun-tso", &Offloads::tun_tso},
                                                           {"tun-uso", &Offloads::tun_uso},
                                                           {"tun-gro", &Offloads::tun_gro},
                                                           {"tun-ugro", &Offloads::tun_ugro},
                                                           {"udp-gso", &Offloads::udp_gso},
                                                           {"udp-gro", &Offloads::udp_gro}}};

// Switches off what `list` names: offloads with commas between them, or "all"; empty: none.
Result<Offloads> without_offloads(Offloads offloads, std::string_view list);

}  // namespace starling::wg
