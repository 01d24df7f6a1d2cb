#include "topologies/lab/guardian.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "topologies/lab/pidfd.h"
#include "topologies/lab/system_error.h"
#include "topologies/lab/workspace.h"

namespace starling::lab {

namespace {

// Until the lab's process is gone as a whole: then its children have had their death signal too, and no tool of its is
// still making things.
void wait_for_end(int process) {
  pollfd wait{process, POLLIN, 0};
  while (::poll(&wait, 1, -1) < 0 && errno == EINTR) {
  }
}

[[noreturn]] void stand_guard(const std::string& lab_name, int lab_process, int line) {
  ::setsid();  // no Ctrl-C here
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  ::prctl(PR_SET_NAME, "starling-guard");
  // Nobody should wait for our copy of the lab's output to be closed.
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) ::dup2(nowhere, fd);

  char word = 0;
  ssize_t size;
  do size = ::read(line, &word, 1);
  while (size < 0 && errno == EINTR);
  if (size == 1) ::_exit(0);
  wait_for_end(lab_process);
  try {
    clean_up(lab_name);
  } catch (...) {
    ::_exit(1);  // the next start sweeps
  }
  ::_exit(0);
}

}  // namespace

Guardian::Guardian(const std::string& lab_name) {
  const FileDescriptor lab_process = open_process(::getpid());
  if (!lab_process) throw_errno("pidfd_open");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe2");
  line_.reset(ends[1]);
  const FileDescriptor read_end(ends[0]);
  pid_ = ::fork();
  if (pid_ < 0) throw_errno("fork");
  if (pid_ != 0) return;
  line_.reset();
  stand_guard(lab_name, lab_process.get(), read_end.get());
}

void Guardian::dismiss() {
  if (::write(line_.get(), "q", 1) == 1) ::waitpid(pid_, nullptr, 0);
  line_.reset();
}

}  // namespace starling::lab
