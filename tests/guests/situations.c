/* Gets into a situation, writes `ready`, and stays in it until its input ends: `situations NAME`. Then it gets out and
 * prints what it observed, which does not depend on what happened meanwhile. Two threads compute all the while. */
#include "situations.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

static int ends[2];

/* ---- one thread waits in a call ---- */

static _Atomic int word;

static void in_futex(void) {
    while (word == 0)
        futex(&word, FUTEX_WAIT, 0);
}
static void out_of_futex(void) {
    word = 1;
    futex(&word, FUTEX_WAKE, 1);
}

static void in_read(void) {
    char bytes[8];
    observe("read", read(ends[0], bytes, sizeof bytes));
}
static void write_a_byte(void) {
    demand(write(ends[1], "x", 1) == 1);
}

static void in_poll(void) {
    struct pollfd wait[2] = {{.fd = ends[0], .events = POLLIN}, {.fd = ends[0], .events = POLLPRI}};
    observe("poll", poll(wait, 2, -1));
    observe("events", wait[0].revents);
}

static void in_select(void) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval limit = {100, 0};
    observe("select", select(ends[0] + 1, &set, NULL, NULL, &limit));
}

static void in_epoll(void) {
    int set = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7}, got[4];
    demand(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == 0);
    observe("epoll_wait", epoll_wait(set, got, 4, -1));
    observe("data", got[0].data.u32);
}

static void in_nanosleep(void) {
    struct timespec begin, end, time = {4, 0};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    observe("nanosleep", nanosleep(&time, NULL));
    clock_gettime(CLOCK_MONOTONIC, &end);
    int64_t ns = (end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec;
    observe("long enough", ns >= 4000000000);
}
static void nothing(void) {}

static void block_user_signal(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL), "pthread_sigmask");
}
static void in_sigtimedwait(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    block_user_signal();
    struct timespec limit = {100, 0};
    siginfo_t info;
    observe("sigtimedwait", sigtimedwait(&set, &info, &limit));
    observe("code", info.si_code);
}
static void signal_it(void) {
    must(pthread_kill(waiting, SIGUSR1), "pthread_kill");
}

static struct sockaddr_in address = {.sin_family = AF_INET};
static int listener;
static void in_accept(void) {
    int socket = accept(listener, NULL, NULL);
    demand(socket >= 0);
    char bytes[8];
    observe("recv", recv(socket, bytes, sizeof bytes, 0));
}
static void listen_somewhere(void) {
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    demand(bind(listener, (void *)&address, size) == 0 && listen(listener, 4) == 0);
    demand(getsockname(listener, (void *)&address, &size) == 0);
}
static void connect_to_it(void) {
    int socket_ = socket(AF_INET, SOCK_STREAM, 0);
    demand(connect(socket_, (void *)&address, sizeof address) == 0 && send(socket_, "abc", 3, 0) == 3);
}

static void in_wait(void) {
    pid_t child = fork();
    demand(child >= 0);
    if (child == 0) {
        char byte;
        _exit(read(ends[0], &byte, 1) == 1 ? 7 : 8);
    }
    int status;
    demand(wait4(child, &status, 0, NULL) == child);
    observe("status", WEXITSTATUS(status));
}

static _Atomic int handled;
static void count(int signal) {
    (void)signal;
    handled++;
}
static void handle(void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    demand(sigaction(SIGUSR1, &action, NULL) == 0);
}
static void in_pause(void) {
    handle(count, 0);
    observe("pause", pause());
    observe("handled", handled);
}

static void in_semop(void) {
    int set = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf down = {.sem_num = 0, .sem_op = -1};
    struct timespec limit = {3, 0};
    observe("semtimedop", semtimedop(set, &down, 1, &limit));
    observe("timed out", errno == EAGAIN);
    demand(semctl(set, 0, IPC_RMID) == 0);
}

/* ---- a signal's handler ---- */

static double in_register;
static void reads(int signal) {
    char byte;
    stack_t stack;
    sigaltstack(NULL, &stack);
    observe("on the stack", stack.ss_flags == SS_ONSTACK);
    observe("signal", signal == SIGUSR1);
    ready_now();
    observe("read", read(ends[0], &byte, 1));
}
static void in_handler(void) {
    static char space[65536];
    stack_t stack = {.ss_sp = space, .ss_size = sizeof space};
    demand(sigaltstack(&stack, NULL) == 0);
    handle(reads, SA_ONSTACK | SA_RESTART);
    double value = 0.5;
    for (int i = 0; i < 10; i++)
        value = value * 1.5 + i;
    in_register = value;
    raise(SIGUSR1);
    observe("after it", value == in_register);
    sigaltstack(NULL, &stack);
    observe("off the stack", stack.ss_flags == 0);
}

/* ---- children ---- */

static void in_vfork(void) {
    volatile int mine = 1;
    pid_t child = vfork();
    if (child == 0) {
        char byte;
        mine = 2;
        _exit(read(ends[0], &byte, 1) == 1 ? 3 : 4);
    }
    int status;
    demand(child > 0 && waitpid(child, &status, 0) == child);
    observe("status", WEXITSTATUS(status));
    observe("written by the child", mine);
}

static pid_t children[8];
static void with_children(void) {
    for (int i = 0; i < 8; i++) {
        children[i] = fork();
        demand(children[i] >= 0);
        if (children[i] == 0) {
            char byte;
            uint64_t value = lcg_walk((uint64_t)i, 5000000);
            _exit(read(ends[0], &byte, 1) == 1 && value == lcg_jump((uint64_t)i, 5000000) ? i : 99);
        }
    }
    char byte;
    observe("read", read(ends[0], &byte, 1));
    for (int i = 0; i < 8; i++) {
        int status;
        demand(waitpid(children[i], &status, 0) == children[i]);
        observe("child", WEXITSTATUS(status));
    }
}
static void write_many(void) {
    demand(write(ends[1], "123456789", 9) == 9);
}

/* ---- mutexes ---- */

static pthread_mutex_t mutex;
static void *lock_too(void *arg) {
    int error = pthread_mutex_lock(&mutex);
    if (error == EOWNERDEAD)
        must(pthread_mutex_consistent(&mutex), "pthread_mutex_consistent");
    must(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
    return (void *)(intptr_t)(error + (arg != NULL));
}
static pthread_t lockers[3];
static void make_mutex(int protocol, int robust) {
    pthread_mutexattr_t attr;
    must(pthread_mutexattr_init(&attr), "pthread_mutexattr_init");
    must(pthread_mutexattr_setprotocol(&attr, protocol), "pthread_mutexattr_setprotocol");
    must(pthread_mutexattr_setrobust(&attr, robust), "pthread_mutexattr_setrobust");
    must(pthread_mutex_init(&mutex, &attr), "pthread_mutex_init");
}
static void make_robust(void) {
    make_mutex(PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST);
}
static void make_inheriting(void) {
    make_mutex(PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED);
}
static void hold(void) {
    char byte;
    must(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
    for (int i = 0; i < 3; i++)
        must(pthread_create(&lockers[i], NULL, lock_too, NULL), "pthread_create");
    observe("read", read(ends[0], &byte, 1));
}
static void hold_and_die(void) {
    hold();
}
static void hold_and_unlock(void) {
    hold();
    must(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
}
static void join_lockers(void) {
    int died = 0;
    for (int i = 0; i < 3; i++) {
        void *error;
        must(pthread_join(lockers[i], &error), "pthread_join");
        died += (intptr_t)error == EOWNERDEAD;
    }
    observe("saw the owner dead", died);
}

/* ---- devices ---- */

static void in_direct(void) {
    char name[] = "direct.XXXXXX";
    close(mkstemp(name));
    int file = open(name, O_RDWR | O_DIRECT);
    demand(file >= 0 && unlink(name) == 0);
    uint64_t *from = aligned_alloc(4096, 65536), *to = aligned_alloc(4096, 65536);
    for (uint64_t round = 0; round < 20 || !input_over(); round++) {
        for (size_t i = 0; i < 8192; i++)
            from[i] = round * 8192 + i;
        demand(pwrite(file, from, 65536, 0) == 65536);
        memset(to, 0, 65536);
        demand(pread(file, to, 65536, 0) == 65536 && memcmp(from, to, 65536) == 0);
    }
    observe("all read as written", 1);
}

static void in_ring(void) {
    struct ring ring;
    ring_open(&ring);
    char *page = aligned_alloc(4096, 4096);
    memset(page, 1, 4096);
    ring_read(&ring, ends[0], page, 16);
    ready_now();
    observe("transferred", ring_wait(&ring));
    observe("first", page[0]);
    observe("second", page[1]);
}

/* ---- crowds ---- */

static pthread_barrier_t all;
static void *one_of_many(void *arg) {
    intptr_t me = (intptr_t)arg;
    uint64_t value = (uint64_t)me, steps = 0;
    wait_at(&all);
    while (!input_over()) {
        value = lcg_walk(value, 1000);
        steps += 1000;
        if (me % 16 != 0)
            nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    return (void *)(intptr_t)(value == lcg_jump((uint64_t)me, steps));
}
static void with_many(void) {
    enum { MANY = 250 };
    static pthread_t ids[MANY];
    must(pthread_barrier_init(&all, NULL, MANY + 1), "pthread_barrier_init");
    for (intptr_t i = 0; i < MANY; i++)
        must(pthread_create(&ids[i], NULL, one_of_many, (void *)i), "pthread_create");
    wait_at(&all);
    ready_now();
    int right = 0;
    for (int i = 0; i < MANY; i++) {
        void *one;
        must(pthread_join(ids[i], &one), "pthread_join");
        right += (intptr_t)one;
    }
    observe("threads that are right", right);
}

static const struct situation situations[] = {
    {"futex", nothing, in_futex, out_of_futex, nothing, 0},
    {"read", nothing, in_read, write_a_byte, nothing, 0},
    {"poll", nothing, in_poll, write_a_byte, nothing, 0},
    {"select", nothing, in_select, write_a_byte, nothing, 0},
    {"epoll", nothing, in_epoll, write_a_byte, nothing, 0},
    {"nanosleep", nothing, in_nanosleep, nothing, nothing, 0},
    {"sigtimedwait", block_user_signal, in_sigtimedwait, signal_it, nothing, 0},
    {"accept", listen_somewhere, in_accept, connect_to_it, nothing, 0},
    {"wait4", nothing, in_wait, write_a_byte, nothing, 0},
    {"pause", nothing, in_pause, signal_it, nothing, 0},
    {"semtimedop", nothing, in_semop, nothing, nothing, 0},
    {"handler", nothing, in_handler, write_a_byte, nothing, SAYS_READY},
    {"vfork", nothing, in_vfork, write_a_byte, nothing, 0},
    {"children", nothing, with_children, write_many, nothing, 0},
    {"robust", make_robust, hold_and_die, write_a_byte, join_lockers, 0},
    {"inheriting", make_inheriting, hold_and_unlock, write_a_byte, join_lockers, 0},
    {"direct", nothing, in_direct, nothing, nothing, 0},
    {"ring", nothing, in_ring, write_a_byte, nothing, SAYS_READY},
    {"many", nothing, with_many, nothing, nothing, SAYS_READY},
    {"zombie", nothing, in_read, write_a_byte, nothing, MAIN_ENDS},
    {NULL, nothing, nothing, nothing, nothing, 0},
};

/* Executes itself again and again, from a thread beside others. */
static char *arguments[4];
static char left[32];
static void *execute_again(void *arg) {
    snprintf(left, sizeof left, "%ld", (long)(intptr_t)arg - 1);
    compute_for(5);
    execv("/proc/self/exe", arguments);
    die("execv: %s", strerror(errno));
}
static void keep_executing(char **argv, long times) {
    char byte;
    if (times == 0) {
        while (read(STDIN_FILENO, &byte, 1) > 0)
            ;
        observe("executed", times);
        exit(0);
    }
    if (times == 40)
        demand(write(STDOUT_FILENO, "ready\n", 6) == 6);
    memcpy(arguments, (char *[]){argv[0], argv[1], left, NULL}, sizeof arguments);
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 2; i++)
        must(pthread_create(&threads[i], NULL, compute, (void *)i), "pthread_create");
    must(pthread_create(&threads[2], NULL, execute_again, (void *)(intptr_t)times), "pthread_create");
    for (;;)
        pause();
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "exec"))
        keep_executing(argv, atol(argv[2]));
    demand(pipe(ends) == 0);
    for (chosen = situations; chosen->name && argc > 1 && strcmp(chosen->name, argv[1]); chosen++)
        ;
    if (argc < 2 || !chosen->name)
        die("which situation?");
    if (chosen->flags & MAIN_ENDS) {
        pthread_t watcher;
        must(pthread_create(&watcher, NULL, watch, NULL), "pthread_create");
        pthread_exit(NULL);
    }
    watch(NULL);
}
