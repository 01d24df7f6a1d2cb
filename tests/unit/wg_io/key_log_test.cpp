#include "wg/io/key_log.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace starling;
using namespace starling::wg;

namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/key_log_test_XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return path + "/" + name; }

  std::string path;
};

std::string content(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

DeviceOutbox::KeyLogEntry entry(std::uint8_t fill) {
  DeviceOutbox::KeyLogEntry made;
  for (SecretKey* key : {&made.local_static, &made.local_ephemeral}) {
    for (std::uint8_t& byte : key->mutable_bytes()) byte = fill++;
  }
  made.remote_static.bytes.fill(fill);
  return made;
}

}  // namespace

TEST_CASE("a handshake is four lines, in the order that Wireshark wants, behind what was there") {
  const Folder folder;
  const std::string file = folder.file("keys");
  for (const std::uint8_t fill : {std::uint8_t{1}, std::uint8_t{100}}) {
    Result<KeyLog> log = KeyLog::open(file);
    REQUIRE(log.ok());
    CHECK_FALSE(log->write(entry(fill)));
  }
  const DeviceOutbox::KeyLogEntry first = entry(1), second = entry(100);
  const auto lines = [](const DeviceOutbox::KeyLogEntry& e) {
    return "LOCAL_STATIC_PRIVATE_KEY = " + to_base64(e.local_static.bytes()) +
           "\nREMOTE_STATIC_PUBLIC_KEY = " + to_base64(e.remote_static) +
           "\nLOCAL_EPHEMERAL_PRIVATE_KEY = " + to_base64(e.local_ephemeral.bytes()) +
           "\nPRESHARED_KEY = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
  };
  CHECK(content(file) == lines(first) + lines(second));
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("keys are not written where others read them, nor through a link, nor into what is no file") {
  const Folder folder;
  std::ofstream(folder.file("open")) << "";
  REQUIRE(::chmod(folder.file("open").c_str(), 0644) == 0);
  REQUIRE(::symlink(folder.file("elsewhere").c_str(), folder.file("link").c_str()) == 0);
  for (const std::string& file : {folder.file("open"), folder.file("link"), folder.path, std::string("/dev/null")}) {
    CAPTURE(file);
    const Result<KeyLog> refused = KeyLog::open(file);
    REQUIRE(!refused.ok());
    CHECK(refused.error().message.starts_with("key log " + file + ": "));
  }
  CHECK_FALSE(std::filesystem::exists(folder.file("elsewhere")));
}
