#include "base/ip.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace starling;

TEST_CASE("addresses of both families print as they are written") {
  for (const char* text :
       {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "fe80::1", "2001:db8::8:800:200c:417a"})
    CHECK(IpAddress::parse(text).value().to_string() == text);
  for (const char* text :
       {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.4/8", "fe80::1%eth0", ":::", "12345::", " 1.2.3.4"})
    CHECK_FALSE(IpAddress::parse(text).has_value());
  CHECK_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)).has_value());
}

TEST_CASE("an address knows its kind") {
  CHECK(IpAddress::parse("fe80::1")->is_link_local());
  CHECK(IpAddress::parse("febf::1")->is_link_local());
  CHECK_FALSE(IpAddress::parse("fec0::1")->is_link_local());
  CHECK(IpAddress::parse("169.254.9.9")->is_link_local());
  CHECK(IpAddress::parse("ff02::1")->is_multicast());
  CHECK(IpAddress::parse("239.1.2.3")->is_multicast());
  CHECK_FALSE(IpAddress::parse("240.0.0.0")->is_multicast());
  CHECK(IpAddress::parse("::1")->is_loopback());
  CHECK(IpAddress::parse("127.1.2.3")->is_loopback());
  CHECK(IpAddress::parse("::")->is_unspecified());
  CHECK_FALSE(IpAddress::parse("::1")->is_unspecified());
}

TEST_CASE("a prefix masks its host bits and refuses text that has some") {
  CHECK(Prefix(*IpAddress::parse("10.1.2.3"), 15).to_string() == "10.0.0.0/15");
  CHECK(Prefix(*IpAddress::parse("fd42:1:2:3::4"), 35).to_string() == "fd42:1::/35");
  CHECK(Prefix(*IpAddress::parse("10.1.2.3"), 0).to_string() == "0.0.0.0/0");
  CHECK(Prefix::parse("10.0.0.0/8")->length() == 8);
  for (const char* text :
       {"10.0.0.1/8", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1", "::/129", "/8"})
    CHECK_FALSE(Prefix::parse(text).has_value());
  CHECK_THROWS_AS(Prefix(IpAddress(), 33), std::invalid_argument);
}

TEST_CASE("a prefix contains its own addresses and prefixes, of its own family only") {
  const Prefix ten = *Prefix::parse("10.0.0.0/8");
  CHECK(ten.contains(*IpAddress::parse("10.255.0.1")));
  CHECK_FALSE(ten.contains(*IpAddress::parse("11.0.0.0")));
  CHECK_FALSE(ten.contains(*IpAddress::parse("a00::")));
  CHECK(ten.contains(ten));
  CHECK(ten.contains(*Prefix::parse("10.2.0.0/16")));
  CHECK_FALSE(ten.contains(*Prefix::parse("0.0.0.0/0")));
  CHECK(Prefix::parse("::/0")->contains(*IpAddress::parse("fd00::1")));
  CHECK_FALSE(Prefix::parse("::/0")->contains(*IpAddress::parse("1.2.3.4")));
}

TEST_CASE("an interface address keeps its host bits") {
  const auto address = InterfaceAddress::parse("172.20.1.9/27").value();
  CHECK(address.to_string() == "172.20.1.9/27");
  CHECK(address.subnet().to_string() == "172.20.1.0/27");
  CHECK_FALSE(InterfaceAddress::parse("172.20.1.9").has_value());
}

TEST_CASE("endpoints are written with brackets around IPv6 only") {
  CHECK(Endpoint::parse("192.0.2.1:51820")->to_string() == "192.0.2.1:51820");
  CHECK(Endpoint::parse("[2001:db8::1]:1")->to_string() == "[2001:db8::1]:1");
  for (const char* text :
       {"192.0.2.1", "192.0.2.1:0", "192.0.2.1:65536", "2001:db8::1:51820", "[192.0.2.1]:5", "host:5", ":5"})
    CHECK_FALSE(Endpoint::parse(text).has_value());
}

TEST_CASE("equal values hash equally and order is by family, address, length") {
  CHECK(std::hash<Prefix>{}(*Prefix::parse("10.0.0.0/8")) ==
        std::hash<Prefix>{}(Prefix(*IpAddress::parse("10.9.9.9"), 8)));
  CHECK(std::hash<Prefix>{}(*Prefix::parse("10.0.0.0/8")) != std::hash<Prefix>{}(*Prefix::parse("10.0.0.0/9")));
  CHECK(*Prefix::parse("10.0.0.0/8") < *Prefix::parse("10.0.0.0/9"));
  CHECK(*Prefix::parse("255.0.0.0/8") < *Prefix::parse("::/0"));
}
