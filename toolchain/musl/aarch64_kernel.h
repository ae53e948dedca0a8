
/* Programs are compiled with the headers of x86-64; some flags of open have other numbers here.
 * O_DIRECT 040000, O_LARGEFILE 0100000, O_DIRECTORY 0200000, O_NOFOLLOW 0400000 of x86-64 are
 * 0200000, 0400000, 040000 and 0100000 of aarch64. */
static inline long __rtx_open_flags(long f)
{
	return (f & ~0740000L) | (f & 040000) << 2 | (f & 0100000) << 2 | (f & 0200000) >> 2 | (f & 0400000) >> 2;
}

#define __rtx_has_open_flags(n, b) ((n) == 56 || (n) == 25 && (b) == 4) /* openat; fcntl F_SETFL */
