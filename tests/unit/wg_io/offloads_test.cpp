#include "wg/io/offloads.h"

#include "doctest/doctest.h"

using namespace starling::wg;

TEST_CASE("offloads are switched off by name, and everything else stays on") {
  const Offloads some = without_offloads({}, "udp-gso,tun-tso").value();
  CHECK_FALSE(some.udp_gso);
  CHECK_FALSE(some.tun_tso);
  CHECK(some.udp_gro);
  CHECK(some.tun_uso);
  CHECK(without_offloads({}, "").value() == Offloads{});
  CHECK(without_offloads({}, "all").value() == Offloads{false, false, false, false, false, false});
  for (const OffloadName& offload : kOffloadNames) {
    Offloads one;
    one.*offload.flag = false;
    CHECK(without_offloads({}, offload.name).value() == one);
  }
}

TEST_CASE("an unknown offload is an error that says which there are") {
  for (const char* list : {"tso", "udp-gso,,tun-tso", "udp-gso tun-tso", "udp-gso,x"}) {
    const auto result = without_offloads({}, list);
    REQUIRE_FALSE(result);
    CHECK(result.error().message.find("must be one of tun-tso, tun-uso, tun-gro, tun-ugro, udp-gso, udp-gro, or all") !=
          std::string::npos);
  }
}
