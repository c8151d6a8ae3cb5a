#include "filter.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* nearmissd's: src/milter/milter.c. */
enum {
    RIGHTS = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE,
    STEPS_LEFT_OUT = SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NOBODY,
    STEPS_WITHOUT_REPLY = SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_HDR | SMFIP_NR_EOH
};

/* libmilter gives its callbacks no argument of ours. Set before smfi_main. */
static const struct filter_sink *the_sink;
static unsigned long no_reply_to_data;

static sfsistat on_negotiate(SMFICTX *context, unsigned long rights,
    unsigned long steps, unsigned long unused_2, unsigned long unused_3,
    unsigned long *our_rights, unsigned long *our_steps, unsigned long *our_2,
    unsigned long *our_3)
{
    const unsigned long wanted =
        STEPS_LEFT_OUT | STEPS_WITHOUT_REPLY | no_reply_to_data;

    (void)context;
    (void)unused_2;
    (void)unused_3;
    if ((rights & RIGHTS) != RIGHTS || (steps & wanted) != wanted)
        return SMFIS_REJECT;
    *our_rights = RIGHTS;
    *our_steps = wanted;
    *our_2 = 0;
    *our_3 = 0;
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *context, char *host, _SOCK_ADDR *address)
{
    (void)context;
    (void)host;
    (void)address;
    return SMFIS_NOREPLY;
}

/* The sink's recipients want their sender; without a sink nothing is kept. */
static sfsistat on_mail(SMFICTX *context, char **arguments)
{
    if (the_sink != NULL) {
        free(smfi_getpriv(context));
        (void)smfi_setpriv(context, strdup(arguments[0]));
    }
    return SMFIS_NOREPLY;
}

static sfsistat on_rcpt(SMFICTX *context, char **arguments)
{
    const char *sender;

    if (the_sink != NULL) {
        sender = smfi_getpriv(context);
        the_sink->recipient(the_sink->self, sender != NULL ? sender : "", arguments[0]);
    }
    return SMFIS_CONTINUE;
}

static sfsistat on_data(SMFICTX *context)
{
    (void)context;
    return no_reply_to_data != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
    (void)context;
    (void)name;
    (void)value;
    return SMFIS_NOREPLY;
}

static sfsistat on_end_of_headers(SMFICTX *context)
{
    (void)context;
    return SMFIS_NOREPLY;
}

static sfsistat on_end(SMFICTX *context)
{
    (void)context;
    return SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *context)
{
    (void)context;
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *context)
{
    if (the_sink != NULL) {
        free(smfi_getpriv(context));
        (void)smfi_setpriv(context, NULL);
    }
    return SMFIS_CONTINUE;
}

/* ---- life ----------------------------------------------------------------- */

static void *stop_main(void *signals)
{
    int number;

    (void)sigwait(signals, &number);
    if (the_sink != NULL)
        the_sink->finish(the_sink->self);
    exit(0);
}

/* Every thread made from now on inherits the blocked signal. */
static bool start_stopper(void)
{
    static sigset_t signals;
    pthread_t stopper;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return pthread_create(&stopper, NULL, stop_main, &signals) == 0 &&
           pthread_detach(stopper) == 0;
}

void filter_serve(const char *address, const struct filter_sink *sink)
{
    struct smfiDesc filter = {
        .xxfi_name = (char[]){"bench"},
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = RIGHTS,
        .xxfi_connect = on_connect,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_data = on_data,
        .xxfi_header = on_header,
        .xxfi_eoh = on_end_of_headers,
        .xxfi_eom = on_end,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };
    char *own_address = strdup(address);

    the_sink = sink;
    no_reply_to_data = strncmp(address, "inet", 4) == 0 ? 0 : SMFIP_NR_DATA;
    /* A mail server runs as a user of its own, and so may whoever starts a bench. */
    (void)umask(0);
    if (own_address == NULL || !start_stopper() ||
        smfi_setconn(own_address) != MI_SUCCESS ||
        smfi_register(filter) != MI_SUCCESS || smfi_opensocket(true) != MI_SUCCESS ||
        smfi_main() != MI_SUCCESS)
        fprintf(stderr, "libmilter cannot serve on %s; the system log may say why\n",
            address);
    free(own_address);
}
