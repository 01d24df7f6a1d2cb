-- The routing protocol (docs/protocol.md) for Wireshark and tshark.
--
--   tshark -X lua_script:starling.lua -r FILE          or put it into ~/.local/lib/wireshark/plugins/
--
-- It shows what is there and says what a router would reject, under the router's own names (starling.reject.bad_value, …;
-- routing/messages.cpp and lsa.cpp are what it follows). Every read is preceded by a check of what is left: whatever the
-- bytes are, they are an item of the tree or an expert's note, never a Lua error. Signatures are not verified.

local PORT = 7827
local VERSION = 1
local MAX_PROBE_PACKET, PATH_ANSWER_SIZE = 65487, 8
local MAX_PACKET, MAX_BODY, MAX_FRAGMENTS, MAX_NAME, MAX_LIFETIME = 1200, 1000, 256, 63, 86400
local MAX_METRIC, MAX_LOSS = 16777215, 1000
local HEADER_SIZE, HELLO_SIZE, KEY_SIZE, SUMMARY_SIZE = 20, 72, 34, 50
local LSA_FIXED_SIZE, ATTRIBUTES_FIXED_SIZE, LINK_SIZE = 147, 33, 45
local GRANT_FRAGMENT, TERMS_SIZE, RIGHT_FIXED_SIZE = 65535, 9, 4
local MAX_GRANT_END = 253402300799
local MAX_SEQUENCE_HIGH = 0x40000000 -- the upper half of 2^62

local TYPES = { [1] = "Hello", [2] = "Ask", [3] = "Headers", [4] = "Request", [5] = "Update", [6] = "Ack",
  [7] = "Path probe", [8] = "Path answer" }
local STATES = { [0] = "Down", [1] = "Init", [2] = "Exchange", [3] = "Full" }
local TYPE_PATH_PROBE = 7
local TLV_SUMMARY, TLV_KEY, TLV_LSA, TLV_PADDING = 1, 2, 3, 4
local TLV_ATTRIBUTES, TLV_LINK, TLV_PREFIX = 1, 2, 3
local TLVS = { [TLV_SUMMARY] = "Summary", [TLV_KEY] = "Key", [TLV_LSA] = "Announcement",
  [TLV_PADDING] = "Padding" }
local TLV_TERMS, TLV_RIGHT = 16, 17
local GRANT_TLVS = { [TLV_TERMS] = "Terms", [TLV_RIGHT] = "Right" }
local BODY_TLVS = { [TLV_ATTRIBUTES] = "Attributes", [TLV_LINK] = "Link", [TLV_PREFIX] = "Prefix" }

local starling = Proto("starling", "Starling routing protocol")

local fields = {
  version = ProtoField.uint8("starling.version", "Version"),
  type = ProtoField.uint8("starling.type", "Type", base.DEC, TYPES),
  size = ProtoField.uint16("starling.size", "Size"),
  instance = ProtoField.uint64("starling.instance", "Instance of the sender", base.HEX),
  peer_instance = ProtoField.uint64("starling.peer_instance", "Instance of the receiver, as heard", base.HEX),

  hello_sequence = ProtoField.uint32("starling.hello.sequence", "Sequence"),
  hello_timestamp = ProtoField.uint32("starling.hello.timestamp_us", "Transmit time (µs modulo 2^32)"),
  hello_echo = ProtoField.uint32("starling.hello.echo_us", "Echo of the receiver's transmit time (µs modulo 2^32)"),
  hello_hold = ProtoField.uint32("starling.hello.hold_us", "Held since it arrived (µs)"),
  hello_interval = ProtoField.uint32("starling.hello.interval_us", "Interval (µs)"),
  hello_multiplier = ProtoField.uint8("starling.hello.multiplier", "Multiplier"),
  hello_state = ProtoField.uint8("starling.hello.state", "State in which the sender holds the receiver", base.DEC, STATES),
  hello_flags = ProtoField.uint8("starling.hello.flags", "Flags", base.HEX),
  hello_has_echo = ProtoField.bool("starling.hello.flags.echo", "Echo and hold are valid", 8, nil, 0x01),
  hello_goodbye = ProtoField.bool("starling.hello.flags.goodbye", "Goodbye", 8, nil, 0x02),
  hello_probe = ProtoField.bool("starling.hello.flags.probe", "Probe, to be answered at once", 8, nil, 0x04),
  hello_answer = ProtoField.bool("starling.hello.flags.answer", "Answer to a probe", 8, nil, 0x08),
  hello_lateness = ProtoField.uint8("starling.hello.lateness", "Lateness of the sender (ms)"),
  hello_node = ProtoField.bytes("starling.hello.node", "NodeId of the sender"),
  hello_digest = ProtoField.bytes("starling.hello.digest", "Digest of the sender's database"),

  headers_flags = ProtoField.uint8("starling.headers.flags", "Flags", base.HEX),
  headers_end = ProtoField.bool("starling.headers.flags.end", "End: there is none behind", 8, nil, 0x01),

  probe_number = ProtoField.uint32("starling.path_probe.number", "Number"),
  answer_newest = ProtoField.uint32("starling.path_answer.newest", "Newest probe that arrived"),
  answer_history = ProtoField.uint32("starling.path_answer.history", "Which before it arrived (bit n: newest - n)", base.HEX),

  origin = ProtoField.bytes("starling.origin", "Origin"),
  fragment = ProtoField.uint16("starling.fragment", "Fragment"),
  sequence = ProtoField.uint64("starling.sequence", "Sequence"),
  tag = ProtoField.uint64("starling.tag", "Tag", base.HEX),

  tlv_type = ProtoField.uint8("starling.tlv.type", "Type"),
  tlv_length = ProtoField.uint16("starling.tlv.length", "Length"),
  tlv_unknown = ProtoField.bytes("starling.tlv.unknown", "Of an unknown type, skipped"),
  tlv_more = ProtoField.bytes("starling.tlv.more", "Behind what this version knows, ignored"),

  lsa_flags = ProtoField.uint8("starling.lsa.flags", "Flags", base.HEX),
  lsa_bare = ProtoField.bool("starling.lsa.flags.bare", "Bare header, without body", 8, nil, 0x01),
  lsa_lifetime = ProtoField.uint32("starling.lsa.lifetime_s", "Signed lifetime (s)"),
  lsa_body_hash = ProtoField.bytes("starling.lsa.body_hash", "BLAKE2b-256 of the body"),
  lsa_signature = ProtoField.bytes("starling.lsa.signature", "Signature (not verified)"),
  lsa_remaining = ProtoField.uint32("starling.lsa.remaining_ms", "Remaining lifetime (ms)"),
  lsa_withdrawal = ProtoField.bool("starling.lsa.withdrawal", "Withdrawal (an empty body)"),
  lsa_body = ProtoField.bytes("starling.lsa.body", "Body"),
  attributes_flags = ProtoField.uint8("starling.attributes.flags", "Flags", base.HEX),
  attributes_no_transit = ProtoField.bool("starling.attributes.flags.no_transit", "No transit: an end point", 8, nil, 0x01),
  attributes_overload = ProtoField.bool("starling.attributes.flags.overload", "Overload: drained, a last resort", 8, nil, 0x02),
  attributes_key = ProtoField.string("starling.attributes.wireguard_key", "WireGuard public key"),
  attributes_name = ProtoField.string("starling.attributes.name", "Name"),
  link_neighbor = ProtoField.bytes("starling.link.neighbor", "NodeId of the neighbour"),
  link_metric = ProtoField.uint32("starling.link.metric", "Metric"),
  link_round_trip = ProtoField.uint32("starling.link.round_trip_us", "Round trip (µs)"),
  link_loss = ProtoField.uint16("starling.link.loss_permille", "Loss (‰)"),
  link_mtu = ProtoField.uint16("starling.link.mtu", "MTU"),
  link_flags = ProtoField.uint8("starling.link.flags", "Flags", base.HEX),
  link_manual = ProtoField.bool("starling.link.flags.manual", "The metric was set by hand", 8, nil, 0x01),
  prefix = ProtoField.string("starling.prefix", "Prefix"),
  prefix_family = ProtoField.uint8("starling.prefix.family", "Family"),
  prefix_length = ProtoField.uint8("starling.prefix.length", "Length in bits"),
  grant_flags = ProtoField.uint8("starling.grant.flags", "Flags", base.HEX),
  grant_revoked = ProtoField.bool("starling.grant.flags.revoked", "Revoked: its holder is no member", 8, nil, 0x01),
  grant_until = ProtoField.uint64("starling.grant.until", "End (seconds since 1970)"),
  right = ProtoField.string("starling.grant.right", "Right"),
  right_shortest = ProtoField.uint8("starling.grant.right.shortest", "Shortest length"),
  right_longest = ProtoField.uint8("starling.grant.right.longest", "Longest length"),
}
starling.fields = fields

local function reject(name, text)
  return ProtoExpert.new("starling.reject." .. name, text, expert.group.MALFORMED, expert.severity.ERROR)
end
local experts = {
  too_long = reject("too_long", "Longer than 1200 bytes (a path probe: 65487)"),
  truncated = reject("truncated", "Ends inside the header or the fixed part"),
  bad_version = reject("bad_version", "Not version 1"),
  bad_size = reject("bad_size", "The size in the header is not the packet's"),
  unknown_type = reject("unknown_type", "No such message"),
  malformed_tlv = reject("malformed_tlv", "A TLV reaches past the end, or has a length that its type does not have"),
  bad_value = reject("bad_value", "A value out of its range, or keys out of order"),
  bad_fragment = reject("bad_fragment", "A fragment above 255 other than 65535"),
  bad_lifetime = reject("bad_lifetime", "A lifetime of 0 or above 86400 s, or of a grant that is not 0"),
  bad_sequence = reject("bad_sequence", "A sequence of 0 or above 2^62"),
  bad_grant = reject("bad_grant", "The grant's body is against the format"),
  malformed_body = reject("malformed_body", "The announcement's body is against the format"),
  control_invalid = reject("control_invalid", "Not taken by the engine: between other than link-local IPv6 addresses, "
    .. "other ports than 7827, or another hop limit than 255"),
  cut = ProtoExpert.new("starling.cut", "The capture ends before the packet does", expert.group.UNDECODED,
    expert.severity.NOTE),
}
starling.experts = experts

-- Of the headers around; an inner packet's come last.
local hop_limit_field = Field.new("ipv6.hlim")
local source_field = Field.new("ipv6.src")
local destination_field = Field.new("ipv6.dst")

-- --- text ---

local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function digit(value)
  return BASE64:sub(value + 1, value + 1)
end

-- As `wg` prints it. 32 bytes: ten groups of three and one of two.
local function base64(range)
  local text = {}
  for at = 0, 27, 3 do
    local bits = range(at, 3):uint()
    for shift = 18, 0, -6 do
      text[#text + 1] = digit(math.floor(bits / 2 ^ shift) % 64)
    end
  end
  local rest = range(30, 2):uint() * 4
  return table.concat(text) .. digit(math.floor(rest / 4096)) .. digit(math.floor(rest / 64) % 64) .. digit(rest % 64)
    .. "="
end

-- The first 8 digits stand for a node of which no name is known, as in `starling show`.
local function node_text(range)
  return range(0, 4):bytes():tohex(true)
end

local function key_text(range)
  return node_text(range(0, 32)) .. "/" .. range(32, 2):uint()
end

-- RFC 5952, of eight 16-bit groups.
local function ipv6_text(groups)
  local best_start, best_size, start = 0, 1, 1
  while start <= 8 do
    local size = 0
    while start + size <= 8 and groups[start + size] == 0 do
      size = size + 1
    end
    if size > best_size then
      best_start, best_size = start, size
    end
    start = start + size + 1
  end
  local text = {}
  for i = 1, 8 do
    text[i] = string.format("%x", groups[i])
  end
  if best_start == 0 then
    return table.concat(text, ":")
  end
  return table.concat(text, ":", 1, best_start - 1) .. "::" .. table.concat(text, ":", best_start + best_size, 8)
end

-- --- what is left of a packet, checked before each read ---

-- A packet as it is being read: `tvb` up to `size`, the tree, and the names of what is wrong, for the Info column.
local function add_trouble(packet, tree, name, text)
  if packet.is_cut and (name == "truncated" or name == "malformed_tlv" or name == "malformed_body"
      or name == "bad_grant") then
    name = "cut" -- not the sender's fault
  end
  if text then
    tree:add_proto_expert_info(experts[name], text)
  else
    tree:add_proto_expert_info(experts[name])
  end
  if not packet.trouble[name] then
    packet.trouble[name] = true
    packet.trouble[#packet.trouble + 1] = name
  end
end

-- Whether `size` more bytes are there before `stop`; says so in the tree if not.
local function has(packet, tree, at, size, stop)
  if at + size <= stop then
    return true
  end
  add_trouble(packet, tree, "truncated")
  return false
end

local function is_zero(number)
  return number:lower() == 0 and number:higher() == 0
end

-- −1, 0 or 1: as bytes, whatever the locale.
local function compare(a, b)
  for i = 0, a:len() - 1 do
    local difference = a(i, 1):uint() - b(i, 1):uint()
    if difference ~= 0 then
      return difference < 0 and -1 or 1
    end
  end
  return 0
end

-- Calls visit(type, tree, at, stop) for each TLV of tvb[at, stop), which adds what the value says. `trouble` is what one
-- that reaches past the end is called.
local function each_tlv(packet, tree, at, stop, names, trouble, visit)
  while at < stop do
    if stop - at < 3 then
      return add_trouble(packet, tree:add(starling, packet.tvb(at, stop - at), "Half a TLV"), trouble)
    end
    local kind, size = packet.tvb(at, 1):uint(), packet.tvb(at + 1, 2):uint()
    local value = at + 3
    local shown = math.min(size, stop - value)
    local item = tree:add(starling, packet.tvb(at, 3 + shown), names[kind] or "Unknown TLV " .. kind)
    item:add(fields.tlv_type, packet.tvb(at, 1)):append_text(" (" .. (names[kind] or "unknown") .. ")")
    item:add(fields.tlv_length, packet.tvb(at + 1, 2))
    if shown < size then
      return add_trouble(packet, item, trouble, "Reaches past the end: " .. size .. " bytes, " .. shown .. " are there")
    end
    if names[kind] then
      visit(kind, item, value, value + size)
    elseif size > 0 then
      item:add(fields.tlv_unknown, packet.tvb(value, size))
    end
    at = value + size
  end
end

-- --- keys and summaries ---

-- The range of the key.
local function add_key(packet, tree, at)
  tree:add(fields.origin, packet.tvb(at, 32))
  tree:add(fields.fragment, packet.tvb(at + 32, 2))
  return packet.tvb(at, KEY_SIZE)
end

local function add_key_item(packet, tree, at, name)
  local item = tree:add(starling, packet.tvb(at, KEY_SIZE), name .. ": " .. key_text(packet.tvb(at, KEY_SIZE)))
  return add_key(packet, item, at)
end

-- " a, b and 3 more", behind the name of a message
local function list_text(words)
  if #words == 0 then
    return ""
  elseif #words <= 2 then
    return " " .. table.concat(words, ", ")
  end
  return " " .. words[1] .. ", " .. words[2] .. " and " .. (#words - 2) .. " more"
end

-- Summaries (of Headers and Ack): their texts, and their keys in order.
local function add_summaries(packet, tree, at, stop)
  local texts, keys = {}, {}
  each_tlv(packet, tree, at, stop, TLVS, "malformed_tlv", function(kind, item, value, value_end)
    if kind ~= TLV_SUMMARY then
      return item:append_text(" (not of this message, skipped)")
    end
    if value_end - value ~= SUMMARY_SIZE then
      return add_trouble(packet, item, "malformed_tlv", "A summary has 50 bytes")
    end
    local key = add_key(packet, item, value)
    item:add(fields.sequence, packet.tvb(value + 34, 8))
    item:add(fields.tag, packet.tvb(value + 42, 8))
    local text = key_text(key) .. " seq " .. tostring(packet.tvb(value + 34, 8):uint64())
    item:append_text(": " .. text)
    texts[#texts + 1], keys[#keys + 1] = text, { range = key, item = item }
  end)
  return texts, keys
end

-- --- announcements ---

local function add_attributes(packet, item, at, stop, lsa)
  if lsa.name then
    return add_trouble(packet, item, "malformed_body", "Attributes a second time")
  end
  local name_size = stop - at - ATTRIBUTES_FIXED_SIZE
  if name_size < 1 or name_size > MAX_NAME then
    return add_trouble(packet, item, "malformed_body", "Attributes have 33 bytes and a name of 1 to 63")
  end
  local flags = item:add(fields.attributes_flags, packet.tvb(at, 1))
  flags:add(fields.attributes_no_transit, packet.tvb(at, 1))
  flags:add(fields.attributes_overload, packet.tvb(at, 1))
  item:add(fields.attributes_key, packet.tvb(at + 1, 32), base64(packet.tvb(at + 1, 32)))
  local range = packet.tvb(at + ATTRIBUTES_FIXED_SIZE, name_size)
  local name = item:add(fields.attributes_name, range)
  if range:raw():find("[^A-Za-z0-9._-]") then
    lsa.name = "?"
    return add_trouble(packet, name, "malformed_body", "A name is made of a–z A–Z 0–9 . _ -")
  end
  lsa.name = range:string()
  item:append_text(": " .. lsa.name)
end

local function add_link(packet, item, at, stop, lsa)
  if stop - at < LINK_SIZE then
    return add_trouble(packet, item, "malformed_body", "A link has 45 bytes or more")
  end
  item:add(fields.link_neighbor, packet.tvb(at, 32))
  local metric = item:add(fields.link_metric, packet.tvb(at + 32, 4))
  item:add(fields.link_round_trip, packet.tvb(at + 36, 4))
  local loss = item:add(fields.link_loss, packet.tvb(at + 40, 2))
  item:add(fields.link_mtu, packet.tvb(at + 42, 2))
  item:add(fields.link_flags, packet.tvb(at + 44, 1)):add(fields.link_manual, packet.tvb(at + 44, 1))
  if stop - at > LINK_SIZE then
    item:add(fields.tlv_more, packet.tvb(at + LINK_SIZE, stop - at - LINK_SIZE))
  end
  local value = packet.tvb(at + 32, 4):uint()
  item:append_text(": " .. node_text(packet.tvb(at, 32)) .. ", metric " .. value)
  if value == 0 or value > MAX_METRIC then
    add_trouble(packet, metric, "malformed_body", "A metric is 1 to 16777215")
  end
  if packet.tvb(at + 40, 2):uint() > MAX_LOSS then
    add_trouble(packet, loss, "malformed_body", "A loss is 0 to 1000")
  end
  lsa.links = lsa.links + 1
end

-- "10.0.0.0/8", and whether a bit behind the length is set.
local function prefix_text(packet, at, size, family, length)
  local address, dirty = {}, false
  for i = 1, family == 4 and 4 or 16 do
    local byte = i <= size and packet.tvb(at + i - 1, 1):uint() or 0
    local used = math.max(0, math.min(8, length - 8 * (i - 1)))
    dirty = dirty or byte % 2 ^ (8 - used) ~= 0
    address[i] = byte
  end
  if family == 4 then
    return table.concat(address, ".") .. "/" .. length, dirty
  end
  local groups = {}
  for i = 1, 8 do
    groups[i] = address[2 * i - 1] * 256 + address[2 * i]
  end
  return ipv6_text(groups) .. "/" .. length, dirty
end

local function add_prefix(packet, item, at, stop, lsa)
  if stop - at < 2 then
    return add_trouble(packet, item, "malformed_body", "A prefix has 2 bytes or more")
  end
  local family, length = packet.tvb(at, 1):uint(), packet.tvb(at + 1, 1):uint()
  item:add(fields.prefix_family, packet.tvb(at, 1))
  item:add(fields.prefix_length, packet.tvb(at + 1, 1))
  if (family ~= 4 and family ~= 6) or length > (family == 4 and 32 or 128) then
    return add_trouble(packet, item, "malformed_body", "A family is 4 or 6, a length at most 32 or 128")
  end
  local size = math.ceil(length / 8)
  if stop - at - 2 ~= size then
    return add_trouble(packet, item, "malformed_body", "This length takes " .. size .. " bytes of address")
  end
  local text, dirty = prefix_text(packet, at + 2, size, family, length)
  item:add(fields.prefix, packet.tvb(at, stop - at), text)
  item:append_text(": " .. text)
  if dirty then
    add_trouble(packet, item, "malformed_body", "Bits behind the length are 0")
  end
  lsa.prefixes = lsa.prefixes + 1
end

local BODY_PARTS = { [TLV_ATTRIBUTES] = add_attributes, [TLV_LINK] = add_link, [TLV_PREFIX] = add_prefix }

local function plural(count, word, words)
  return count .. " " .. (count == 1 and word or words)
end

-- What the body says, in a few words.
local function add_body(packet, tree, at, stop)
  if at == stop then
    tree:add(fields.lsa_withdrawal, true):set_generated()
    return "withdrawal"
  end
  local body = tree:add(fields.lsa_body, packet.tvb(at, stop - at))
  local lsa = { links = 0, prefixes = 0 }
  each_tlv(packet, body, at, stop, BODY_TLVS, "malformed_body", function(kind, item, value, value_end)
    BODY_PARTS[kind](packet, item, value, value_end, lsa)
  end)
  return (lsa.name and lsa.name .. ", " or "") .. plural(lsa.links, "link", "links") .. ", "
    .. plural(lsa.prefixes, "prefix", "prefixes")
end

local function add_terms(packet, item, at, stop, grant)
  if grant.has_terms or stop - at < TERMS_SIZE then
    return add_trouble(packet, item, "bad_grant", "Terms come once, of 9 bytes or more")
  end
  grant.has_terms = true
  item:add(fields.grant_flags, packet.tvb(at, 1)):add(fields.grant_revoked, packet.tvb(at, 1))
  grant.revoked = packet.tvb(at, 1):uint() % 2 == 1
  local until_item = item:add(fields.grant_until, packet.tvb(at + 1, 8))
  local high, low = packet.tvb(at + 1, 4):uint(), packet.tvb(at + 5, 4):uint()
  if (high == 0 and low == 0) or high * 2 ^ 32 + low > MAX_GRANT_END then
    add_trouble(packet, until_item, "bad_grant", "An end is 1 to 253402300799")
  end
end

local function add_right(packet, item, at, stop, grant)
  if stop - at < RIGHT_FIXED_SIZE then
    return add_trouble(packet, item, "bad_grant", "A right has 4 bytes or more")
  end
  local family, length = packet.tvb(at, 1):uint(), packet.tvb(at + 1, 1):uint()
  local shortest, longest = packet.tvb(at + 2, 1):uint(), packet.tvb(at + 3, 1):uint()
  local bits = family == 4 and 32 or 128
  item:add(fields.right_shortest, packet.tvb(at + 2, 1))
  item:add(fields.right_longest, packet.tvb(at + 3, 1))
  local size = math.ceil(length / 8)
  if (family ~= 4 and family ~= 6) or length > bits or stop - at - RIGHT_FIXED_SIZE ~= size then
    return add_trouble(packet, item, "bad_grant", "A family is 4 or 6, a length at most 32 or 128, with so many bits")
  end
  local text, dirty = prefix_text(packet, at + RIGHT_FIXED_SIZE, size, family, length)
  text = text .. "{" .. shortest .. "," .. longest .. "}"
  item:add(fields.right, packet.tvb(at, stop - at), text)
  item:append_text(": " .. text)
  if dirty or length > shortest or shortest > longest or longest > bits then
    add_trouble(packet, item, "bad_grant", "Bits behind the length are 0, and length ≤ shortest ≤ longest ≤ " .. bits)
  end
  grant.rights = grant.rights + 1
end

local GRANT_PARTS = { [TLV_TERMS] = add_terms, [TLV_RIGHT] = add_right }

local function add_grant(packet, tree, at, stop)
  local grant = { rights = 0 }
  if at < stop then
    local body = tree:add(fields.lsa_body, packet.tvb(at, stop - at))
    each_tlv(packet, body, at, stop, GRANT_TLVS, "bad_grant", function(kind, item, value, value_end)
      GRANT_PARTS[kind](packet, item, value, value_end, grant)
    end)
  end
  if not grant.has_terms then
    add_trouble(packet, tree, "bad_grant", "A grant has terms")
  elseif grant.revoked and grant.rights > 0 then
    add_trouble(packet, tree, "bad_grant", "What is revoked has no rights")
  end
  return grant.revoked and "revocation" or "grant, " .. plural(grant.rights, "right", "rights")
end

local function add_lsa(packet, item, at, stop)
  if stop - at < LSA_FIXED_SIZE then
    add_trouble(packet, item, "malformed_tlv", "An announcement has 147 bytes or more")
    return nil
  end
  local bare = packet.tvb(at, 1):uint() % 2 == 1
  item:add(fields.lsa_flags, packet.tvb(at, 1)):add(fields.lsa_bare, packet.tvb(at, 1))
  local key = add_key(packet, item, at + 1)
  local sequence_item = item:add(fields.sequence, packet.tvb(at + 35, 8))
  local lifetime_item = item:add(fields.lsa_lifetime, packet.tvb(at + 43, 4))
  item:add(fields.lsa_body_hash, packet.tvb(at + 47, 32))
  item:add(fields.lsa_signature, packet.tvb(at + 79, 64))
  item:add(fields.lsa_remaining, packet.tvb(at + 143, 4))
  local is_grant = key(32, 2):uint() == GRANT_FRAGMENT
  if key(32, 2):uint() >= MAX_FRAGMENTS and not is_grant then
    add_trouble(packet, item, "bad_fragment")
  end
  local sequence, lifetime = packet.tvb(at + 35, 8):uint64(), packet.tvb(at + 43, 4):uint()
  local high, low = sequence:higher(), sequence:lower()
  if is_zero(sequence) or high > MAX_SEQUENCE_HIGH or (high == MAX_SEQUENCE_HIGH and low > 0) then
    add_trouble(packet, sequence_item, "bad_sequence")
  end
  if (is_grant and lifetime ~= 0) or (not is_grant and (lifetime == 0 or lifetime > MAX_LIFETIME)) then
    add_trouble(packet, lifetime_item, "bad_lifetime")
  end
  local body, says = at + LSA_FIXED_SIZE, "bare header"
  if stop - body > MAX_BODY then
    add_trouble(packet, item, "malformed_tlv", "A body has at most 1000 bytes")
  elseif not bare then
    says = is_grant and add_grant(packet, item, body, stop) or add_body(packet, item, body, stop)
  elseif body < stop then
    add_trouble(packet, item, "malformed_tlv", "A body behind a bare header")
  end
  local text = key_text(key) .. " seq " .. tostring(sequence) .. " (" .. says .. ")"
  item:append_text(": " .. text)
  return text
end

-- --- the messages; each returns its words for the Info column ---

local function add_hello(packet, tree, at, stop)
  if not has(packet, tree, at, HELLO_SIZE, stop) then
    return ""
  end
  local tvb = packet.tvb
  tree:add(fields.hello_sequence, tvb(at, 4))
  tree:add(fields.hello_timestamp, tvb(at + 4, 4))
  tree:add(fields.hello_echo, tvb(at + 8, 4))
  tree:add(fields.hello_hold, tvb(at + 12, 4))
  local interval_item = tree:add(fields.hello_interval, tvb(at + 16, 4))
  local multiplier_item = tree:add(fields.hello_multiplier, tvb(at + 20, 1))
  local state_item = tree:add(fields.hello_state, tvb(at + 21, 1))
  local flags = tree:add(fields.hello_flags, tvb(at + 22, 1))
  flags:add(fields.hello_has_echo, tvb(at + 22, 1))
  flags:add(fields.hello_goodbye, tvb(at + 22, 1))
  flags:add(fields.hello_probe, tvb(at + 22, 1))
  flags:add(fields.hello_answer, tvb(at + 22, 1))
  tree:add(fields.hello_lateness, tvb(at + 23, 1))
  tree:add(fields.hello_node, tvb(at + 24, 32))
  tree:add(fields.hello_digest, tvb(at + 56, 16))
  local interval, multiplier, state = tvb(at + 16, 4):uint(), tvb(at + 20, 1):uint(), tvb(at + 21, 1):uint()
  if interval < 10000 or interval > 60000000 then
    add_trouble(packet, interval_item, "bad_value", "An interval is 10000 to 60000000 µs")
  end
  if multiplier < 2 or multiplier > 50 then
    add_trouble(packet, multiplier_item, "bad_value", "A multiplier is 2 to 50")
  end
  if not STATES[state] then
    add_trouble(packet, state_item, "bad_value", "A state is 0 to 3")
  end
  each_tlv(packet, tree, at + HELLO_SIZE, stop, {}, "malformed_tlv", function() end)
  local flags = tvb(at + 22, 1):uint()
  local words = ""
  for _, flag in ipairs({ { 2, " goodbye" }, { 4, " probe" }, { 8, " answer" } }) do
    if math.floor(flags / flag[1]) % 2 == 1 then words = words .. flag[2] end
  end
  return " seq " .. tvb(at, 4):uint() .. " " .. (STATES[state] or "state " .. state) .. words
    .. ", digest " .. tvb(at + 56, 4):bytes():tohex(true)
end

local function add_ask(packet, tree, at, stop)
  if not has(packet, tree, at, KEY_SIZE, stop) then
    return ""
  end
  return " from " .. key_text(add_key_item(packet, tree, at, "From"))
end

local function add_headers(packet, tree, at, stop)
  if not has(packet, tree, at, 2 * KEY_SIZE + 1, stop) then
    return ""
  end
  local first = add_key_item(packet, tree, at, "First key")
  local next_key = add_key_item(packet, tree, at + KEY_SIZE, "Next key")
  local flags_at = at + 2 * KEY_SIZE
  tree:add(fields.headers_flags, packet.tvb(flags_at, 1)):add(fields.headers_end, packet.tvb(flags_at, 1))
  local is_end = packet.tvb(flags_at, 1):uint() % 2 == 1
  if not is_end and compare(next_key, first) <= 0 then
    add_trouble(packet, tree, "bad_value", "The next key is greater than the first unless this is the end")
  end
  local texts, keys = add_summaries(packet, tree, flags_at + 1, stop)
  for _, key in ipairs(keys) do
    if compare(key.range, first) < 0 or (not is_end and compare(key.range, next_key) >= 0) then
      add_trouble(packet, key.item, "bad_value", "The key is not between the first and the next")
    end
  end
  return " " .. key_text(first) .. " to " .. (is_end and "the end" or key_text(next_key)) .. ": "
    .. plural(#texts, "summary", "summaries")
end

local function add_request(packet, tree, at, stop)
  local texts = {}
  each_tlv(packet, tree, at, stop, TLVS, "malformed_tlv", function(kind, item, value, value_end)
    if kind ~= TLV_KEY then
      return item:append_text(" (not of this message, skipped)")
    end
    if value_end - value ~= KEY_SIZE then
      return add_trouble(packet, item, "malformed_tlv", "A key has 34 bytes")
    end
    local text = key_text(add_key(packet, item, value))
    item:append_text(": " .. text)
    texts[#texts + 1] = text
  end)
  return list_text(texts)
end

local function add_update(packet, tree, at, stop)
  local texts = {}
  each_tlv(packet, tree, at, stop, TLVS, "malformed_tlv", function(kind, item, value, value_end)
    if kind ~= TLV_LSA then
      return item:append_text(" (not of this message, skipped)")
    end
    texts[#texts + 1] = add_lsa(packet, item, value, value_end)
  end)
  return list_text(texts)
end

local function add_ack(packet, tree, at, stop)
  return list_text((add_summaries(packet, tree, at, stop))) -- its first result
end

local function not_of_this_message(_, item)
  item:append_text(" (not of this message, skipped)")
end

local function add_path_probe(packet, tree, at, stop)
  if not has(packet, tree, at, 4, stop) then
    return ""
  end
  tree:add(fields.probe_number, packet.tvb(at, 4))
  each_tlv(packet, tree, at + 4, stop, TLVS, "malformed_tlv", function(kind, item)
    if kind ~= TLV_PADDING then
      not_of_this_message(kind, item)
    end
  end)
  return " number " .. packet.tvb(at, 4):uint() .. ", " .. packet.tvb:reported_len() .. " bytes"
end

local function add_path_answer(packet, tree, at, stop)
  if not has(packet, tree, at, PATH_ANSWER_SIZE, stop) then
    return ""
  end
  tree:add(fields.answer_newest, packet.tvb(at, 4))
  tree:add(fields.answer_history, packet.tvb(at + 4, 4))
  each_tlv(packet, tree, at + PATH_ANSWER_SIZE, stop, {}, "malformed_tlv", function() end)
  return " newest " .. packet.tvb(at, 4):uint()
end

local MESSAGES = { add_hello, add_ask, add_headers, add_request, add_update, add_ack, add_path_probe,
  add_path_answer }

-- --- the packet ---

local function add_message(packet, tree)
  local tvb, size = packet.tvb, packet.tvb:len()
  if not has(packet, tree, 0, HEADER_SIZE, size) then
    return "Truncated"
  end
  local kind = tvb(1, 1):uint()
  local version_item = tree:add(fields.version, tvb(0, 1))
  if tvb(0, 1):uint() ~= VERSION then
    add_trouble(packet, version_item, "bad_version")
    return "Version " .. tvb(0, 1):uint()
  end
  local type_item = tree:add(fields.type, tvb(1, 1))
  local size_item = tree:add(fields.size, tvb(2, 2))
  local instance_item = tree:add(fields.instance, tvb(4, 8))
  tree:add(fields.peer_instance, tvb(12, 8))
  if tvb(2, 2):uint() ~= tvb:reported_len() then
    add_trouble(packet, size_item, "bad_size", "The packet has " .. tvb:reported_len() .. " bytes")
  end
  if is_zero(tvb(4, 8):uint64()) then
    add_trouble(packet, instance_item, "bad_value", "An instance is not 0")
  end
  if not MESSAGES[kind] then
    add_trouble(packet, type_item, "unknown_type")
    return "Type " .. kind
  end
  return TYPES[kind] .. MESSAGES[kind](packet, tree, HEADER_SIZE, size)
end

-- docs/protocol.md, "Taken only if", as far as a packet alone can tell.
local function check_envelope(packet, pinfo, tree)
  local hop_limits, sources, destinations = { hop_limit_field() }, { source_field() }, { destination_field() }
  local function is_link_local(address)
    return address ~= nil and tostring(address.value):find("^fe[89ab]") ~= nil
  end
  local taken = #hop_limits > 0 and hop_limits[#hop_limits].value == 255 and is_link_local(sources[#sources])
    and is_link_local(destinations[#destinations]) and pinfo.src_port == PORT and pinfo.dst_port == PORT
  if not taken then
    add_trouble(packet, tree, "control_invalid")
  end
end

function starling.dissector(tvb, pinfo, tree)
  pinfo.cols.protocol = "Starling"
  local subtree = tree:add(starling, tvb())
  local packet = { tvb = tvb, is_cut = tvb:len() < tvb:reported_len(), trouble = {} }
  local is_probe = tvb:len() > 1 and tvb(1, 1):uint() == TYPE_PATH_PROBE
  if tvb:reported_len() > (is_probe and MAX_PROBE_PACKET or MAX_PACKET) then
    add_trouble(packet, subtree, "too_long")
  end
  local text = add_message(packet, subtree)
  check_envelope(packet, pinfo, subtree)
  subtree:append_text(": " .. text)
  if #packet.trouble > 0 then
    text = text .. " [" .. table.concat(packet.trouble, ", ") .. "]"
  end
  pinfo.cols.info = text
  return tvb:len()
end

DissectorTable.get("udp.port"):add(PORT, starling)
