#include "daemon/control/grant_request.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/date.h"
#include "routing/identity.h"
#include "routing/router.h"

namespace starling::daemon {

namespace {

// Nothing if the router will take it.
std::optional<Error> refusal(const routing::Router& router, const routing::ParsedGrant& parsed, WallTime now) {
  const auto& key = router.config().network_key;
  const std::string node = routing::to_string(parsed.grant.holder);
  if (!key) return Error{"this node has no network_key in its configuration, so it asks nobody for grants"};
  if (!routing::is_signed_by(*parsed.lsa, *key, routing::verify_signature))
    return Error{
        fmt::format("the grant for node {} is not signed by this network's key, {}", node, to_base64(key->bytes))};
  if (parsed.grant.ended(now))
    return Error{fmt::format("the grant for node {} has ended on {}", node, date_text(parsed.grant.until_s))};
  for (const routing::GrantView& held : router.grants()) {
    if (held.grant.holder == parsed.grant.holder && held.grant.serial > parsed.grant.serial)
      return Error{fmt::format("a newer grant for node {} is here: serial {}, and this one has {}", node,
                               held.grant.serial, parsed.grant.serial)};
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<routing::LsaHandle>> checked_grants(const routing::Router& router, const nlohmann::json& request,
                                                       WallTime now) {
  const auto texts = request.find("grants");
  if (texts == request.end() || !texts->is_array() || texts->empty())
    return Error{"`grants` is missing; give a list of grants, as `starling grant sign` prints them"};
  std::vector<routing::LsaHandle> grants;
  for (const nlohmann::json& text : *texts) {
    if (!text.is_string()) return Error{"each of `grants` is a text, as `starling grant sign` prints it"};
    const auto parsed = routing::parse_grant(text.get_ref<const std::string&>());
    if (!parsed.ok()) return Error{"one of `grants` " + parsed.error().message};
    if (auto error = refusal(router, *parsed, now)) return std::move(*error);
    grants.push_back(parsed->lsa);
  }
  return grants;
}

}  // namespace starling::daemon
