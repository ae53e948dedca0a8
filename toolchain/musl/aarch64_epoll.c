/* epoll with the packed events of x86-64's header, on a kernel whose events are not packed. */
#include <sys/epoll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <errno.h>
#include "syscall.h"

struct kernel_event { uint32_t events, padding; uint64_t data; };

int epoll_create(int size) { return epoll_create1(0); }
int epoll_create1(int flags) { return syscall(SYS_epoll_create1, flags); }

int epoll_ctl(int fd, int op, int fd2, struct epoll_event *ev)
{
	struct kernel_event k;
	if (!ev) return syscall(SYS_epoll_ctl, fd, op, fd2, 0);
	k = (struct kernel_event){ ev->events, 0, ev->data.u64 };
	return syscall(SYS_epoll_ctl, fd, op, fd2, &k);
}

int epoll_pwait(int fd, struct epoll_event *ev, int cnt, int to, const sigset_t *sigs)
{
	/* More come with the next call. */
	struct kernel_event k[256];
	int n = cnt > 256 ? 256 : cnt;
	int r = __syscall_cp(SYS_epoll_pwait, fd, k, n, to, sigs, _NSIG/8);
	for (int i = 0; i < r; i++) {
		ev[i].events = k[i].events;
		ev[i].data.u64 = k[i].data;
	}
	return __syscall_ret(r);
}

int epoll_wait(int fd, struct epoll_event *ev, int cnt, int to) { return epoll_pwait(fd, ev, cnt, to, 0); }
