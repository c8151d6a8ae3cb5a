/*
 * make_log FILE ROWS DAYS END SEED: an audit log of made mail, ROWS recipients over DAYS
 * days that end at END (seconds since 1970), written through the layer that the daemon
 * writes with.
 */
#include "made_mail.h"

#include "audit/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    WAIT_EVERY = 4096, /* messages; far less than the writer's queue holds */
    NEAR_PER_MILLION = 4000
};

static int64_t clock_now_us(void *self)
{
    const int64_t *now_us = self;

    return *now_us;
}

static bool wait_for(
    const struct nm_audit_port *port, uint64_t ticket, struct nm_error *error)
{
    return port->wait(port->self, ticket, error) == NM_OK;
}

static bool write_mail(
    const struct nm_audit_port *port, struct made_mail *mail, struct nm_error *error)
{
    static struct made_message message;
    uint64_t ticket = 0;
    bool fine = true;

    for (uint64_t i = 1; fine && made_mail_next(mail, &message); i++) {
        fine =
            port->append(port->self, message.events, message.count, &ticket) == NM_OK;
        if (fine && i % WAIT_EVERY == 0)
            fine = wait_for(port, ticket, error);
    }
    return fine && wait_for(port, ticket, error);
}

static bool make_log(const char *path, const struct made_spec *spec)
{
    int64_t now_us = spec->end_us;
    const struct nm_audit_options options = {.path = path,
        .wait_ms = 600000,
        .gateway = made_gateway,
        .clock = {&now_us, clock_now_us}};
    struct made_mail mail;
    struct nm_audit *audit = NULL;
    struct nm_audit_port port;
    struct nm_error error = {0};
    bool fine = nm_audit_start(&options, &audit, &error) == NM_OK;

    if (fine) {
        port = nm_audit_port(audit);
        made_mail_begin(&mail, spec);
        fine = nm_audit_note_config(audit, made_config_hash, made_config) == NM_OK &&
               write_mail(&port, &mail, &error);
        nm_audit_stop(&audit);
    }
    if (!fine)
        (void)fprintf(stderr, "make_log: %s: %s\n", path, error.message);
    return fine;
}

int main(int argc, char **argv)
{
    struct made_spec spec = {.near_per_million = NEAR_PER_MILLION};
    struct stat found;

    if (argc != 6) {
        (void)fprintf(stderr, "usage: make_log FILE ROWS DAYS END SEED\n");
        return 2;
    }
    spec.rows = strtoull(argv[2], NULL, 10);
    spec.days = (unsigned)strtoul(argv[3], NULL, 10);
    spec.end_us = strtoll(argv[4], NULL, 10) * 1000000;
    spec.seed = strtoull(argv[5], NULL, 10);
    if (spec.days == 0 || stat(argv[1], &found) == 0) {
        (void)fprintf(stderr, "make_log: DAYS is 0, or %s is there already\n", argv[1]);
        return 2;
    }
    return make_log(argv[1], &spec) ? 0 : 1;
}
