/*
 * A libmilter filter with the callbacks that nearmissd registers, and the steps that it
 * negotiates, that answers "continue" to everything. The bench measures nearmissd
 * against it; `tests/bench/run` refuses to compare two that negotiate differently.
 */
#ifndef BENCH_FILTER_H
#define BENCH_FILTER_H

/* What else to do with a recipient, on any thread, several at a time; and at the end,
 * when no mail is under way. */
struct filter_sink {
    void *self;
    void (*recipient)(void *self, const char *sender, const char *recipient);
    void (*finish)(void *self);
};

/* Serve on `address`, as libmilter spells it, until SIGUSR1 ends the process with status
 * 0: libmilter's own stop can hang, for it destroys a lock that its threads still take.
 * `sink` may be NULL. Returns, after a complaint on stderr, only when it cannot serve. */
void filter_serve(const char *address, const struct filter_sink *sink);

#endif
