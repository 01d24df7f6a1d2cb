// Network namespaces by name, as `ip netns` keeps them (a bind mount in /run/netns; ip-netns(8)).
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/file_descriptor.h"

namespace starling::lab {

// An open handle. Throws std::system_error if there is no such namespace.
FileDescriptor open_namespace(const std::string& name);
bool namespace_exists(const std::string& name);
// Takes the name away; the namespace itself ends with its last process and socket. Nothing if there is none.
void remove_namespace(const std::string& name);

// Runs `work` on a thread of its own inside the namespace and waits for it. Sockets made there stay there. Throws what
// `work` throws. The calling thread never leaves its namespace.
void in_namespace(int namespace_fd, const std::function<void()>& work);

// The processes whose first thread is in one of the namespaces, ourselves excepted.
std::vector<pid_t> processes_in(const std::vector<std::string>& names);

}  // namespace starling::lab
