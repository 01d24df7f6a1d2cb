#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "base/key.h"
#include "base/system.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"

namespace starling::daemon {

namespace {

// A secret that everybody may read is none; say so while it can still be made again.
void warn_if_world_readable() {
  struct stat target {};
  if (fstat(STDOUT_FILENO, &target) == 0 && S_ISREG(target.st_mode) && (target.st_mode & S_IRWXO) != 0) {
    print_error("warning: everybody on this machine may read this key; make the file under `umask 077`");
  }
}

}  // namespace

int run_keygen() {
  warn_if_world_readable();
  SecretKey key;
  SystemRandom().fill(key.mutable_bytes());
  // RFC 7748 section 5: how every X25519 private key is clamped, so that it reads back as it is used.
  key.mutable_bytes().front() &= 0xf8;
  key.mutable_bytes().back() = (key.mutable_bytes().back() & 0x7f) | 0x40;
  print(to_base64(key.bytes()) + '\n');
  return kExitOk;
}

}  // namespace starling::daemon
