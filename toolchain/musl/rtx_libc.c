/* What the in-guest runtime needs of libc's insides. */
#include "pthread_impl.h"
#include "libc.h"
#include "syscall.h"

extern volatile int __thread_list_lock;

/* No memory for anonymous mappings of one's own: the kernel chooses. */
void *(*__rtx_mmap_hook)(size_t, int) = 0;

hidden size_t **__rtx_auxv(void)
{
	return &libc.auxv;
}

/* After the memory of another process has taken the place of ours. */
hidden void __rtx_new_thread_id(void)
{
	__pthread_self()->tid = __syscall(SYS_set_tid_address, &__thread_list_lock);
}
