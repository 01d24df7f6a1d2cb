// Memory for a large simulation: gigabytes, touched in no order, and packets by the million. With pages of 4 KiB a
// third of the time goes into looking them up, and the C library keeps nothing above 1 KiB at hand, where most packets
// that carry announcements lie (docs/performance.md): so it is told to ask for huge pages, and to keep what it is given
// back.
#pragma once

namespace starling::sim {

// The C library takes such wishes only from the environment of a program that starts (glibc's tunables), so the program
// starts once more, as the same process. Returns if that was done before, or where it is not possible. Who sets one of
// them himself is left alone.
void restart_with_tuned_allocator(char** argv);

}  // namespace starling::sim
