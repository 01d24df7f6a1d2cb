#include "topologies/lab/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <string_view>

#include "topologies/lab/pidfd.h"
#include "topologies/lab/system_error.h"

namespace starling::lab {

namespace {

constexpr std::string_view kGroupNice = "-10";  // as the lab itself (main.cpp)

}  // namespace

Process::Process(const ProcessConfig& config) {
  const FileDescriptor log(::open(config.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log) throw_errno(config.log_file);
  const FileDescriptor nowhere(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const char* const arguments[] = {config.program.c_str(),          "-c",
                                   config.config_file.c_str(),      "--control",
                                   config.control_path.c_str(),     "--wireguard-sockets",
                                   config.wireguard_folder.c_str(), nullptr};
  const pid_t lab = ::getpid();
  sigset_t none;
  ::sigemptyset(&none);

  pid_ = ::fork();
  if (pid_ < 0) throw_errno("fork");
  if (pid_ == 0) {  // only async-signal-safe calls from here
    if (!config.outlives_lab) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != lab) ::_exit(125);  // it ended before we asked for the signal
    }
    ::setsid();  // Ctrl-C is the lab's to handle
    // A session is a scheduling group of its own where the kernel makes such groups (sched(7)), and does not inherit.
    if (const int group = ::open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC); group >= 0)
      static_cast<void>(::write(group, kGroupNice.data(), kGroupNice.size()) < 0);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::setns(config.namespace_fd, CLONE_NEWNET) != 0) ::_exit(126);
    ::dup2(nowhere.get(), STDIN_FILENO);
    ::dup2(log.get(), STDOUT_FILENO);
    ::dup2(log.get(), STDERR_FILENO);
    ::execv(arguments[0], const_cast<char* const*>(arguments));  // NOLINT: exec's old signature
    ::_exit(127);
  }
  handle_ = open_process(pid_);
  if (!handle_) throw_errno("pidfd_open");
}

Process::~Process() {
  running();  // reaps, if it has ended
}

bool Process::running() {
  if (!ended_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
  return !ended_;
}

void Process::kill() {
  if (ended_) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  ended_ = true;
}

std::string Process::how_it_ended() {
  if (running()) return {};
  if (WIFSIGNALED(status_)) return fmt::format("was killed by signal {}", WTERMSIG(status_));
  return fmt::format("exited with status {}", WEXITSTATUS(status_));
}

}  // namespace starling::lab
