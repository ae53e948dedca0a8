/* Pointers into other threads' stacks.
 *
 * First the children fill an array on main's stack, each its own part. Then they take turns: one puts a pointer to a
 * question on its own stack into a common place, the next writes the answer into it through that pointer, and the
 * asker copies the answer into a second array on main's stack. */
#include "common.h"

#define CELLS 2048
#define MAX_QUESTIONS 2048

struct question {
    uint64_t seed, answer;
};
enum step { ASK, ANSWER, COLLECT, STEPS };

static size_t questions = 200, work = 100000, threads = 4;
static uint64_t *cells, *answers; /* arrays on main's stack */

static pthread_mutex_t turn_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static size_t turn;            /* question * STEPS + step */
static struct question *asked; /* on the asker's stack; belongs to whose turn it is */

static void begin_turn(size_t question, enum step step) {
    lock(&turn_lock);
    while (turn != question * STEPS + step)
        wait_for(&turn_changed, &turn_lock);
    unlock(&turn_lock);
}

static void end_turn(void) {
    lock(&turn_lock);
    turn++;
    notify_all(&turn_changed);
    unlock(&turn_lock);
}

static void *child(void *arg) {
    size_t me = (size_t)arg, end = part_begin(CELLS, threads, me + 1);
    for (size_t i = part_begin(CELLS, threads, me); i < end; i++)
        cells[i] = lcg_walk(i, work / 16);

    struct question mine;
    for (size_t q = 0; q < questions; q++) {
        bool asks = q % threads == me, replies = (q + 1) % threads == me;
        if (asks) {
            begin_turn(q, ASK);
            mine = (struct question){mix64(q), 0};
            asked = &mine;
            end_turn();
        }
        if (replies) {
            begin_turn(q, ANSWER);
            asked->answer = lcg_walk(asked->seed, work);
            end_turn();
        }
        if (asks) {
            begin_turn(q, COLLECT);
            answers[q] = mine.answer;
            end_turn();
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    const struct option_spec options[] = {
        THREADS_OPTION(&threads),
        NUMBER_OPTION("--size", &questions, 1, MAX_QUESTIONS, "questions that the threads ask each other"),
        NUMBER_OPTION("--work", &work, 0, 1000000000, "steps of work to answer one"),
    };
    parse_options(argc, argv, "Share variables on the stacks of threads.", options, COUNT_OF(options), NULL);

    uint64_t cells_here[CELLS] = {0}, answers_here[MAX_QUESTIONS] = {0};
    cells = cells_here;
    answers = answers_here;
    run_threads(threads, child);

    for (size_t i = 0; i < CELLS; i++)
        if (cells_here[i] != lcg_jump(i, work / 16))
            die("cell %zu on main's stack is wrong: %016" PRIx64, i, cells_here[i]);
    for (size_t q = 0; q < questions; q++)
        if (answers_here[q] != lcg_jump(mix64(q), work))
            die("the answer to question %zu is wrong: %016" PRIx64, q, answers_here[q]);
    printf("%d cells filled, %zu questions answered\n", CELLS, questions);
    print_checksum(checksum_bytes(checksum_bytes(0, cells_here, sizeof cells_here), answers_here,
                                  questions * sizeof *answers_here));
    return 0;
}
