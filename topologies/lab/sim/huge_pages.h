// Memory for a large simulation: hundreds of megabytes, touched in no order. With pages of 4 KiB a third of the time
// goes into looking them up (docs/performance.md), so the C library is told to ask for huge ones.
#pragma once

namespace starling::sim {

// The C library takes this wish only from the environment of a program that starts (glibc's tunables), so the program
// starts once more, as the same process. Returns if that was done before, or where it is not possible.
void restart_with_huge_pages(char** argv);

}  // namespace starling::sim
