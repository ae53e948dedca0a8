/* O_DIRECT through a file that openat2 has opened, whose flags stand in memory.
 * calls: openat2 pread64 pwrite64 */
#define DIRECT_BY_OPENAT2
#include "direct_io.c"
