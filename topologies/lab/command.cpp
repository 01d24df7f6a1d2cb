#include "topologies/lab/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "base/file_descriptor.h"
#include "topologies/lab/system_error.h"

namespace starling::lab {

namespace {

FileDescriptor memory_file(const std::string& content) {
  FileDescriptor file(::memfd_create("starling-lab", MFD_CLOEXEC));
  if (!file) throw_errno("memfd_create");
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t written = ::write(file.get(), content.data() + done, content.size() - done);
    if (written < 0) throw_errno("write");
    done += static_cast<std::size_t>(written);
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string content_of(int file) {
  std::string content;
  char block[4096];
  ::lseek(file, 0, SEEK_SET);
  for (ssize_t size; (size = ::read(file, block, sizeof block)) > 0;)
    content.append(block, static_cast<std::size_t>(size));
  return content;
}

}  // namespace

Command::Command(std::vector<std::string> arguments, const std::string& input, int namespace_fd)
    : arguments_(std::move(arguments)) {
  const FileDescriptor in = memory_file(input);
  FileDescriptor out = memory_file("");
  std::vector<char*> argv;
  for (std::string& argument : arguments_) argv.push_back(argument.data());
  argv.push_back(nullptr);

  sigset_t none;
  ::sigemptyset(&none);
  pid_ = ::fork();
  if (pid_ < 0) throw_errno("fork");
  if (pid_ == 0) {  // only async-signal-safe calls from here
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setpgid(0, 0);  // Ctrl-C is the lab's to handle: it needs its tools to clean up
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (namespace_fd >= 0 && ::setns(namespace_fd, CLONE_NEWNET) != 0) ::_exit(126);
    ::dup2(in.get(), STDIN_FILENO);
    ::dup2(out.get(), STDOUT_FILENO);
    ::dup2(out.get(), STDERR_FILENO);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  output_ = ::dup(out.get());
  ::fcntl(output_, F_SETFD, FD_CLOEXEC);
}

Command::~Command() {
  if (pid_ > 0) wait();
  if (output_ >= 0) ::close(output_);
}

CommandOutcome Command::wait() {
  CommandOutcome outcome;
  int status = 0;
  pid_t waited;
  do waited = ::waitpid(pid_, &status, 0);
  while (waited < 0 && errno == EINTR);
  pid_ = -1;
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.output = content_of(output_);
  return outcome;
}

void Command::require() {
  const CommandOutcome outcome = wait();
  if (outcome.status == 127)
    throw std::runtime_error(
        fmt::format("the command {} is not installed (topologies/packages.txt lists the packages)", arguments_[0]));
  if (outcome.status != 0)
    throw std::runtime_error(
        fmt::format("{} ended with {}: {}", fmt::join(arguments_, " "), outcome.status, outcome.output));
}

}  // namespace starling::lab
