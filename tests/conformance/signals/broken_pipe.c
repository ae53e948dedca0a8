/* SIGPIPE: handled, ignored, blocked, and not raised at all where send is told so; it is the writing thread's.
 * calls: pipe write
 * recalls: signal */
#include "signals.h"
#include <sys/socket.h>

static atomic_int handled;
static pthread_t writer;

static void on_pipe(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    check(pthread_equal(pthread_self(), writer));
    atomic_fetch_add(&handled, 1);
}

static void attempt(const char *name, ssize_t result) {
    say("%s: %s, handled %d", name, result < 0 ? strerror(errno) : "written", handled);
}

BODY {
    int ends[2], pair[2];
    writer = pthread_self();
    check(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    close(ends[0]);
    close(pair[0]);
    handle(SIGPIPE, on_pipe, 0);
    attempt("pipe", write(ends[1], "x", 1));
    attempt("socket", write(pair[1], "x", 1));
    attempt("send", send(pair[1], "x", 1, 0));
    attempt("send without signal", send(pair[1], "x", 1, MSG_NOSIGNAL));
    signal(SIGPIPE, SIG_IGN);
    attempt("ignored", write(ends[1], "x", 1));
    handle(SIGPIPE, on_pipe, 0);
    block(SIGPIPE);
    attempt("blocked", write(ends[1], "x", 1));
    sigset_t pending;
    check(sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1);
    unblock(SIGPIPE);
    say("unblocked, handled %d", handled);
}
