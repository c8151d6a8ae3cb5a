/*
 * A libmilter filter with the callbacks that nearmissd registers, and the steps that it
 * negotiates, that answers "continue" to everything. The bench measures nearmissd
 * against it; `tests/bench/run` refuses to compare two that negotiate differently.
 */
#ifndef BENCH_FILTER_H
#define BENCH_FILTER_H

/* What else to do with a recipient. Called on any thread, several at a time. */
struct filter_sink {
    void *self;
    void (*recipient)(void *self, const char *sender, const char *recipient);
};

/* Serve on `address`, as libmilter spells it, until SIGTERM or SIGINT. `sink` may be
 * NULL. Returns 0, or -1 after a complaint on stderr. */
int filter_serve(const char *address, const struct filter_sink *sink);

#endif
