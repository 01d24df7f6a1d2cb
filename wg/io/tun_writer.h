// The last step in: inner packets to the TUN, those of a flow joined to one where the kernel takes that
// (wg/protocol/coalescing.h). What it refuses joined is written packet by packet, and not joined again.
#pragma once

#include <vector>

#include "wg/io/engine_context.h"
#include "wg/protocol/coalescing.h"

namespace starling::wg {

class TunWriter {
 public:
  explicit TunWriter(EngineContext& context) : context_(context), coalescer_(false, false) {}

  // A whole packet, which stays where it is until flush().
  void add(Now now, PeerPath& peer, MutableBytes packet);
  void flush(Now now);

 private:
  void write(Now now, JoinedPacket& joined);
  void write_one(Now now, PeerPath* peer, Bytes packet);
  void stop_joining(Now now, bool tcp, int error);

  EngineContext& context_;
  Coalescer coalescer_;
};

}  // namespace starling::wg
