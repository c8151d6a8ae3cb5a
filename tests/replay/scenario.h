/*
 * A scenario: a whole SMTP transaction, or several, as text. It is read and run line by
 * line, through the function that the milter's callbacks call.
 *
 *     # Why this is as it is.
 *     config:                              configuration, as in nearmiss.conf(5):
 *         protect = { suffixes = [ "mil" ]; };     all lines that are indented
 *     config strict:                       another one, for `reload strict`
 *     file partners.txt:                   a list beside them
 *
 *     connect 192.0.2.7                    or `connect local`; ends the last session
 *     mail <a@b> smtputf8 auth=alice local queue=4X      unseen: without content
 *     rcpt <x@army.ml> normalised=x@army.ml queue=4X times=9   {n} in it: 1 to 9
 *     rcpt <x@army.ml> args=NOTIFY=NEVER
 *     data | header NAME value=… | body TEXT | end queue=4X | abort | close
 *     undone                               the answer to `end` could not be given
 *     reload strict                        the snapshot is swapped
 *     audit fails append | wait | timeout  from now on;  audit works
 *     quarantine fails begin | write | commit            quarantine works
 *     quarantine lets x@army.ml            it is being released, and let by once
 *     later 20                             so many seconds pass
 *
 *     -> continue                          what was answered to the line above:
 *     -> 550 5.7.1 /regex/ lines=2         on the reply's lines, joined by newlines
 *     -> hold /regex/ tag=$1 strip=2       $1: the reference of the first decision
 *     -> off=<x@a>,<y@a> | discard         recipients taken off; all of them
 *     -> subject=/regex/ | subject=-       what the Subject becomes; it is removed
 *
 *     row recipient=x@army.ml match=near-miss reply=/Ref $1/ durable=yes times=9
 *     outcome refused queue=4X durable=yes
 *     act confirmed subject=army.ml of=$1 reason=/Ref $2/      what was done beside it
 *     contact army.ml yes                  whether mail is known to go there
 *     kept x@army.ml id=$1 /regex/         in the quarantine, in order, and its content
 *     count near_misses 1                  as `nearmiss status` has it, until now
 *     waits 1                              for the log, since the last such line
 *     logged 1 /regex/                     errors, likewise
 *     pinned strict yes                    a message holds that configuration's snapshot
 *
 * Nothing is left to chance: an event without a `->` must be answered with a plain
 * `continue`; each `row` and `outcome` takes the next event of the log, in order, and at
 * the end of the scenario none may be left, nor an error that was logged. In words,
 * `\xNN` stands for a byte. Regular expressions are POSIX extended ones, and may hold
 * blanks.
 */
#ifndef NM_TESTS_SCENARIO_H
#define NM_TESTS_SCENARIO_H

#include "memory_audit.h"
#include "memory_confirm.h"
#include "memory_quarantine.h"

#include "gate/session.h"

#include <stdbool.h>

enum {
    CONTACTS_MAX = 64,
    WORDS_MAX = 32,
    CONFIGS_MAX = 8,
    FOLDER_MAX = 64,
    PATH_TEXT_MAX = 512
};

struct words {
    char *word[WORDS_MAX];
    size_t count;
};

struct named_config {
    char name[64];
    unsigned line;
    struct nm_snapshot *snapshot; /* once it was needed */
};

/* One answer, rendered to be compared and shown. */
struct answer {
    enum nm_answer_kind kind;
    unsigned code;
    char status[8];
    char *text; /* the reply's lines, or the reason to hold; never NULL */
    bool holds;
    bool tags;
    char tag[64];
    unsigned strip_count;
    size_t line_count;
    char off[512]; /* joined by commas */
    bool discards;
    char subject[512]; /* "" where it stays, "-" where it is removed */
};

struct scenario {
    const char *file;
    char **lines;
    size_t line_count;
    size_t line; /* that is run now, from 1 */

    char folder[FOLDER_MAX]; /* of its configurations */
    char files[CONFIGS_MAX][PATH_TEXT_MAX];
    size_t file_count;
    struct named_config configs[CONFIGS_MAX];
    size_t config_count;
    struct named_config *current;

    struct memory_audit audit;
    struct memory_quarantine quarantine;
    struct memory_confirm confirm;
    char contacts[CONTACTS_MAX][NM_DOMAIN_MAX + 1];
    size_t contact_count;
    struct nm_ports ports;
    struct nm_slot *slot;
    struct nm_session *session;

    struct answer *answers; /* to the event of `event_line` */
    size_t answer_count;
    size_t event_line;
    bool answers_checked;

    size_t rows_checked;
    size_t kept_checked;
    unsigned waits_checked;
    unsigned errors_checked;
};

/* Say `FILE:LINE: …` on standard error, tidy up, and exit with 1. */
_Noreturn void scenario_fail(
    struct scenario *scenario, size_t line, const char *format, ...) NM_PRINTF(3, 4);

/* The value behind `key=` among the words from `from` on, or NULL. */
const char *word_value(const struct words *words, size_t from, const char *key);

/* Whether `word` is given among the words from `from` on. */
bool word_given(const struct words *words, size_t from, const char *word);

/* A number, or the scenario fails. */
unsigned long word_number(struct scenario *scenario, const char *text);

/* configs.c: the configuration of this name, built if need be. */
struct named_config *scenario_config(struct scenario *scenario, const char *name);
/* Write the indented lines below the one at hand to a file, and go behind them. */
void scenario_take_file(struct scenario *scenario, const char *name);
void scenario_take_config(struct scenario *scenario, const char *name);
void scenario_remove_files(struct scenario *scenario);

/* events.c, expect.c: run one line; false when its first word is none of theirs. */
bool scenario_run_event(struct scenario *scenario, const struct words *words);
bool scenario_run_expectation(struct scenario *scenario, const struct words *words);

/* expect.c: an event without an expectation has to have been answered by `continue`. */
void scenario_check_answers(struct scenario *scenario);
/* expect.c: nothing is left that the scenario does not tell of. */
void scenario_check_end(struct scenario *scenario);

/* verdicts.c: judge the addresses on standard input. An exit status. */
int replay_verdicts(const char *config);

#endif
