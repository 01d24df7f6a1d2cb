// The configuration file of `wg setconf`: any text gives a configuration or one line that says where and what is wrong,
// and a configuration written out again reads as the same.
#include <fmt/format.h>

#include <cstddef>

#include "tests/fuzz/check.h"
#include "wg/io/setconf.h"

using namespace starling;

namespace {

std::string write_out(const wg::Setconf& config) {
  std::string text = "[Interface]\n";
  if (config.private_key) text += "PrivateKey = " + to_base64(config.private_key->bytes()) + "\n";
  text += fmt::format("ListenPort = {}\nFwMark = {:#x}\n", config.listen_port, config.fwmark);
  for (const wg::SetconfPeer& peer : config.peers) {
    text += "[Peer]\nPublicKey=" + to_base64(*peer.public_key) + "\n";
    if (peer.preshared_key) text += "PresharedKey = " + to_base64(peer.preshared_key->bytes()) + "\n";
    if (peer.endpoint) text += fmt::format("Endpoint = [{}]:{}\n", peer.endpoint->host, peer.endpoint->port);
    for (const Prefix& prefix : peer.allowed_ips) text += "AllowedIPs = " + prefix.to_string() + "\n";
    text += fmt::format("PersistentKeepalive = {}\n", peer.persistent_keepalive_s);
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<wg::Setconf> config = wg::parse_setconf(text, "wg0.conf");
  if (!config) {
    FUZZ_CHECK(config.error().message.starts_with("wg0.conf:"));
    FUZZ_CHECK(config.error().message.find('\n') == std::string::npos);
    return 0;
  }
  for (const wg::SetconfPeer& peer : config->peers) FUZZ_CHECK(peer.public_key && peer.line > 0);
  const std::string once = write_out(*config);
  const Result<wg::Setconf> again = wg::parse_setconf(once, "again.conf");
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(write_out(*again) == once);
  return 0;
}
