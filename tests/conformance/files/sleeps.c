/* nanosleep and clock_nanosleep, relative and absolute, last at least as long as asked, in threads at once, and
 * refuse what is no time.
 * calls: nanosleep clock_nanosleep */
#include "../crew.h"

enum { CREW = 3 };

static struct timespec after(clockid_t clock, long ms) {
    struct timespec time;
    check(clock_gettime(clock, &time) == 0);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static bool reached(clockid_t clock, struct timespec time) {
    struct timespec now = after(clock, 0);
    return now.tv_sec > time.tv_sec || (now.tv_sec == time.tv_sec && now.tv_nsec >= time.tv_nsec);
}

static void work(int me) {
    const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME};
    for (int i = 0; i < 3; i++) {
        clockid_t clock = clocks[(i + me) % 3];
        struct timespec until = after(clock, 10 + me);
        must(clock_nanosleep(clock, TIMER_ABSTIME, &until, NULL));
        check(reached(clock, until));
        /* The past is no reason to sleep. */
        must(clock_nanosleep(clock, TIMER_ABSTIME, &until, NULL));
        struct timespec span = {0, 7000000};
        until = after(CLOCK_MONOTONIC, 7);
        must(clock_nanosleep(clock, 0, &span, NULL));
        check(clock == CLOCK_REALTIME || reached(CLOCK_MONOTONIC, until));
        until = after(CLOCK_MONOTONIC, 5);
        sleep_ms(5);
        check(reached(CLOCK_MONOTONIC, until));
    }
    check(usleep(1000) == 0);
    struct timespec wrong = {0, 1000000000};
    check(nanosleep(&wrong, NULL) == -1 && errno == EINVAL);
    wrong = (struct timespec){-1, 0};
    check(nanosleep(&wrong, NULL) == -1 && errno == EINVAL);
    check(clock_nanosleep(CLOCK_MONOTONIC, 0, &wrong, NULL) == EINVAL);
    check(clock_nanosleep(77, 0, &wrong, NULL) != 0);
}

BODY {
    struct timespec none = {0, 0};
    check(nanosleep(&none, NULL) == 0);
    crew(CREW, work);
    say("none too short");
}
