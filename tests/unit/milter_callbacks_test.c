/*
 * The callbacks, as libmilter would call them: this program brings a libmilter of its own
 * that only remembers what it was told.
 */
#include "gate_world.h"
#include "milter/milter.h"

#include <libmilter/mfapi.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a libmilter ---------------------------------------------------------- */

enum { SAID_MAX = 8192 };

struct smfi_str {
    void *mine;
    const char *macros[8][2];
    bool refuses_changes;
    char said[SAID_MAX]; /* what the mail server was told, a line each */
};

static struct smfiDesc filter;

static void say(SMFICTX *context, const char *what, const char *value, int number)
{
    const size_t used = strlen(context->said);

    (void)snprintf(context->said + used, sizeof context->said - used, "%s %d %s\n",
        what, number, value != NULL ? value : "(null)");
}

int smfi_register(struct smfiDesc description)
{
    filter = description;
    return MI_SUCCESS;
}

int smfi_setconn(char *connection)
{
    (void)connection;
    return MI_SUCCESS;
}

int smfi_setbacklog(int backlog)
{
    (void)backlog;
    return MI_SUCCESS;
}

int smfi_opensocket(bool remove)
{
    (void)remove;
    return MI_SUCCESS;
}

int smfi_main(void)
{
    return MI_SUCCESS;
}

int smfi_setpriv(SMFICTX *context, void *mine)
{
    context->mine = mine;
    return MI_SUCCESS;
}

void *smfi_getpriv(SMFICTX *context)
{
    return context->mine;
}

char *smfi_getsymval(SMFICTX *context, char *name)
{
    static char value[64];

    for (size_t i = 0; i < NM_COUNT(context->macros); i++) {
        if (context->macros[i][0] == NULL || strcmp(context->macros[i][0], name) != 0)
            continue;
        (void)nm_copy(value, sizeof value, context->macros[i][1]);
        return value;
    }
    return NULL;
}

int smfi_setmlreply(SMFICTX *context, const char *code, const char *status, ...)
{
    va_list lines;
    const char *line;
    int count = 0;

    va_start(lines, status);
    for (line = va_arg(lines, const char *); line != NULL;
         line = va_arg(lines, const char *)) {
        ck_assert_uint_le(strlen(line), NM_REPLY_LINE_MAX);
        say(context, code, line, count++);
    }
    va_end(lines);
    ck_assert_int_le(count, NM_REPLY_LINES_MAX);
    return MI_SUCCESS;
}

static int change(SMFICTX *context, const char *what, const char *value, int number)
{
    if (context->refuses_changes)
        return MI_FAILURE;
    say(context, what, value, number);
    return MI_SUCCESS;
}

/* A mail server that does not read: whoever tells it something waits for `reads_on`. */
static struct {
    bool is_stuck;
    sem_t was_told;
    sem_t reads_on;
} reader;

int smfi_addheader(SMFICTX *context, char *name, char *value)
{
    if (reader.is_stuck) {
        (void)sem_post(&reader.was_told);
        (void)sem_wait(&reader.reads_on);
    }
    return change(context, name, value, 0);
}

int smfi_chgheader(SMFICTX *context, char *name, int index, char *value)
{
    return change(context, name, value, index);
}

int smfi_delrcpt(SMFICTX *context, char *recipient)
{
    return change(context, "off", recipient, 0);
}

int smfi_quarantine(SMFICTX *context, char *reason)
{
    return change(context, "quarantine", reason, 0);
}

/* ---- a connection --------------------------------------------------------- */

static const unsigned long every_step = SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NOEOH |
                                        SMFIP_NOBODY | SMFIP_NR_CONN | SMFIP_NR_MAIL |
                                        SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_DATA |
                                        SMFIP_SKIP | SMFIP_HDR_LEADSPC;
static const unsigned long usual_rights =
    SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE;
static const unsigned long every_right =
    SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_DELRCPT;

/* What a rule of the snapshot may need. */
static bool expects_content;

static struct world *open_milter(const struct nm_snapshot_values *values)
{
    struct world *world = world_new(values);
    const struct nm_milter_options options = {.socket = "fd:3",
        .socket_group = "",
        .ports = &world->ports,
        .slot = world->slot};
    struct nm_error error;

    ck_assert_int_eq(nm_milter_open(&options, &error), NM_OK);
    return world;
}

static struct world *open_with_action(enum nm_action action)
{
    const struct nm_rule_spec rule = {
        .name = "rule", .confidence = 0.5, .action = action};
    const struct nm_snapshot_values values = world_values(&rule, 1);

    return open_milter(&values);
}

static void negotiate(SMFICTX *context, unsigned long steps)
{
    unsigned long rights = 0;
    unsigned long agreed = 0;
    unsigned long unused[2];

    ck_assert_int_eq(filter.xxfi_negotiate(context, every_right, steps, 0, 0, &rights,
                         &agreed, &unused[0], &unused[1]),
        SMFIS_CONTINUE);
    ck_assert_uint_eq(rights, expects_content ? every_right : usual_rights);
    ck_assert_uint_eq(agreed & ~steps, 0);
    ck_assert_uint_eq(
        agreed & SMFIP_NOBODY, expects_content ? 0 : steps & SMFIP_NOBODY);
    /* libmilter ignores the end of a message of which it saw no header and no end of
     * headers. */
    ck_assert_uint_eq(agreed & SMFIP_NOEOH, 0);
}

static SMFICTX *connect_from(const char *address, unsigned long steps)
{
    SMFICTX *context = calloc(1, sizeof *context);
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;

    ck_assert_ptr_nonnull(context);
    ck_assert(is_v4 || inet_pton(AF_INET6, address, &v6.sin6_addr) == 1);
    negotiate(context, steps);
    (void)filter.xxfi_connect(context, (char[]){"client.example"},
        is_v4 ? (_SOCK_ADDR *)&v4 : (_SOCK_ADDR *)&v6);
    return context;
}

static void hang_up(SMFICTX **context)
{
    (void)filter.xxfi_close(*context);
    ck_assert_ptr_null((*context)->mine);
    free(*context);
    *context = NULL;
}

static sfsistat mail(SMFICTX *context, const char *argument)
{
    char path[] = "<alice@example.org>";
    char extra[32];

    (void)nm_copy(extra, sizeof extra, argument != NULL ? argument : "");
    return filter.xxfi_envfrom(
        context, (char *[]){path, argument != NULL ? extra : NULL, NULL});
}

static sfsistat rcpt(SMFICTX *context, const char *recipient)
{
    char path[256];

    (void)nm_copy(path, sizeof path, recipient);
    return filter.xxfi_envrcpt(context, (char *[]){path, NULL});
}

/* ---- a quarantine --------------------------------------------------------- */

struct nm_spool {
    char text[SAID_MAX];
    struct nm_buf buf;
};

static struct nm_spool spool;
static char kept_arguments[128];

static enum nm_code begin_spool(void *self, const struct nm_id *transaction,
    struct nm_spool **out, struct nm_error *error)
{
    (void)self;
    (void)transaction;
    (void)error;
    nm_buf_init(&spool.buf, spool.text, sizeof spool.text);
    *out = &spool;
    return NM_OK;
}

static enum nm_code write_spool(void *self, struct nm_spool *into,
    enum nm_content content, const char *bytes, size_t length, struct nm_error *error)
{
    (void)self;
    (void)content;
    (void)error;
    nm_buf_put(&into->buf, bytes, length);
    return NM_OK;
}

static enum nm_code commit_spool(void *self, struct nm_spool **from,
    const struct nm_spool_message *message, struct nm_error *error)
{
    (void)self;
    (void)error;
    (void)snprintf(kept_arguments, sizeof kept_arguments, "%s; %s", message->arguments,
        message->recipients->arguments);
    *from = NULL;
    return NM_OK;
}

static void drop_spool(void *self, struct nm_spool **from)
{
    (void)self;
    *from = NULL;
}

static struct world *open_with_quarantine(void)
{
    const struct nm_rule_spec rule = {
        .name = "rule", .confidence = 0.5, .action = NM_ACTION_QUARANTINE};
    struct nm_snapshot_values values = world_values(&rule, 1);
    struct world *world;

    values.needs_content = expects_content = true;
    world = open_milter(&values);
    world->ports.quarantine = (struct nm_quarantine_port){.begin = begin_spool,
        .write = write_spool,
        .commit = commit_spool,
        .drop = drop_spool};
    return world;
}

static sfsistat body(SMFICTX *context, const char *text)
{
    unsigned char bytes[64];

    (void)nm_copy((char *)bytes, sizeof bytes, text);
    return filter.xxfi_body(context, bytes, strlen(text));
}

/* ---- tests ---------------------------------------------------------------- */

START_TEST(test_milter__takes_off_whom_the_message_is_kept_for)
{
    struct world *world = open_with_quarantine();
    SMFICTX *context = connect_from("192.0.2.7", every_step);

    (void)mail(context, "BODY=8BITMIME");
    (void)filter.xxfi_envrcpt(
        context, (char *[]){(char[]){"<Bob@ARMY.ml>"}, (char[]){"NOTIFY=NEVER"}, NULL});
    (void)rcpt(context, "<carol@army.mil>");
    (void)filter.xxfi_header(context, (char[]){"Subject"}, (char[]){"  a\n\tb"});
    (void)filter.xxfi_header(context, (char[]){"To"}, (char[]){""});
    ck_assert_int_eq(body(context, "one\r\n"), SMFIS_CONTINUE);
    ck_assert_int_eq(body(context, "two\r\n"), SMFIS_CONTINUE);
    ck_assert_int_eq(filter.xxfi_eom(context), SMFIS_CONTINUE);
    ck_assert_str_eq(context->said, "off 0 <Bob@ARMY.ml>\n");
    ck_assert_str_eq(spool.text, "Subject:  a\r\n\tb\r\nTo:\r\n\r\none\r\ntwo\r\n");
    ck_assert_str_eq(kept_arguments, "BODY=8BITMIME; NOTIFY=NEVER");

    /* All of them, and without the blanks of values. */
    context->said[0] = '\0';
    (void)mail(context, NULL);
    (void)rcpt(context, "<bob@army.ml>");
    ck_assert_int_eq(filter.xxfi_eom(context), SMFIS_DISCARD);
    ck_assert_str_eq(context->said, "");
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_QUARANTINED);
    hang_up(&context);
    context = connect_from("192.0.2.7", every_step & ~(unsigned long)SMFIP_HDR_LEADSPC);
    (void)mail(context, NULL);
    (void)rcpt(context, "<bob@army.ml>");
    (void)filter.xxfi_header(context, (char[]){"Subject"}, (char[]){"a"});
    ck_assert_int_eq(filter.xxfi_eom(context), SMFIS_DISCARD);
    ck_assert_str_eq(spool.text, "Subject: a\r\n\r\n");
    hang_up(&context);
    expects_content = false;
    world_free(&world);
}
END_TEST

START_TEST(test_milter__a_message_that_nobody_keeps_is_skipped)
{
    struct world *world = open_with_quarantine();
    SMFICTX *context = connect_from("192.0.2.7", every_step);

    (void)mail(context, NULL);
    (void)rcpt(context, "<carol@army.mil>");
    ck_assert_int_eq(body(context, "one\r\n"), SMFIS_SKIP);
    ck_assert_int_eq(filter.xxfi_eom(context), SMFIS_CONTINUE);
    ck_assert_str_eq(context->said, "");
    hang_up(&context);
    context = connect_from("192.0.2.7", every_step & ~(unsigned long)SMFIP_SKIP);
    (void)mail(context, NULL);
    (void)rcpt(context, "<carol@army.mil>");
    ck_assert_int_eq(body(context, "one\r\n"), SMFIS_CONTINUE);
    hang_up(&context);
    expects_content = false;
    world_free(&world);
}
END_TEST

START_TEST(test_milter__whom_the_mail_server_will_not_take_off_puts_the_message_off)
{
    struct world *world = open_with_quarantine();
    SMFICTX *context = connect_from("192.0.2.7", every_step);

    (void)mail(context, NULL);
    (void)rcpt(context, "<bob@army.ml>");
    (void)rcpt(context, "<carol@army.mil>");
    context->refuses_changes = true;
    ck_assert_int_eq(filter.xxfi_eom(context), SMFIS_TEMPFAIL);
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_REFUSED);
    hang_up(&context);
    expects_content = false;
    world_free(&world);
}
END_TEST

START_TEST(test_milter__gives_the_refusal_with_its_percent_signs_doubled)
{
    const struct nm_rule_spec rule = {.name = "rule",
        .confidence = 0.5,
        .action = NM_ACTION_REJECT,
        .reply = "100%% not %{target}"};
    const struct nm_snapshot_values values = world_values(&rule, 1);
    struct world *world = open_milter(&values);
    SMFICTX *context = connect_from("2001:db8::7", every_step);

    (void)mail(context, NULL);
    ck_assert_int_eq(rcpt(context, "<bob@army.ml>"), SMFIS_REJECT);
    ck_assert_str_eq(context->said, "550 0 100%% not army.mil\n");
    ck_assert_str_eq(world->events[0].client, "2001:db8::7");
    hang_up(&context);
    world_free(&world);
}
END_TEST

/* A mail server swallows a percent sign that stands alone, and what follows it. */
START_TEST(test_milter__breaks_a_long_reply_and_no_pair_of_percent_signs)
{
    const struct nm_rule_spec rule = {.name = "rule",
        .confidence = 0.5,
        .action = NM_ACTION_REJECT,
        .reply = "%{sender}%{sender}"};
    const struct nm_snapshot_values values = world_values(&rule, 1);
    struct world *world = open_milter(&values);
    SMFICTX *context = connect_from("192.0.2.7", every_step);
    char sender[600];

    memset(sender, '%', sizeof sender);
    sender[sizeof sender - 1] = '\0';
    (void)filter.xxfi_envfrom(context, (char *[]){sender, NULL});
    ck_assert_int_eq(rcpt(context, "<bob@army.ml>"), SMFIS_REJECT);
    ck_assert_uint_eq(strspn(context->said + strlen("550 0 "), "%"), 960);
    ck_assert_uint_eq(
        strspn(context->said + strlen("550 0 \n550 1 ") + 960, "%"), 2 * 900 - 960);
    hang_up(&context);
    world_free(&world);
}
END_TEST

START_TEST(test_milter__a_deferral_is_a_temporary_failure)
{
    struct world *world = open_with_action(NM_ACTION_DEFER);
    SMFICTX *context = connect_from("192.0.2.7", every_step);

    (void)mail(context, NULL);
    ck_assert_int_eq(rcpt(context, "<bob@army.ml>"), SMFIS_TEMPFAIL);
    ck_assert_ptr_nonnull(strstr(context->said, "451 0 army.ml looks like"));
    hang_up(&context);
    world_free(&world);
}
END_TEST

START_TEST(test_milter__strips_from_the_last_and_then_tags)
{
    struct world *world = open_with_action(NM_ACTION_TAG);
    SMFICTX *context = connect_from("192.0.2.7", every_step);
    char expected[256];

    (void)mail(context, NULL);
    ck_assert_int_eq(rcpt(context, "<bob@army.ml>"), SMFIS_CONTINUE);
    (void)filter.xxfi_data(context);
    for (int i = 0; i < 2; i++)
        (void)filter.xxfi_header(context, (char[]){"x-NEARMISS"}, (char[]){"forged"});
    (void)filter.xxfi_header(context, (char[]){"Subject"}, (char[]){"hello"});
    ck_assert_int_eq(filter.xxfi_eom(context), SMFIS_CONTINUE);
    (void)snprintf(expected, sizeof expected,
        "X-Nearmiss 2 (null)\nX-Nearmiss 1 (null)\nX-Nearmiss 0 %s\n",
        world->events[0].id.text);
    ck_assert_str_eq(context->said, expected);
    hang_up(&context);
    world_free(&world);
}
END_TEST

START_TEST(test_milter__what_the_mail_server_will_not_hold_is_put_off_and_recorded)
{
    struct world *world = open_with_action(NM_ACTION_HOLD);
    SMFICTX *context = connect_from("192.0.2.7", every_step);

    (void)mail(context, NULL);
    (void)rcpt(context, "<bob@army.ml>");
    ck_assert_int_eq(filter.xxfi_eom(context), SMFIS_CONTINUE);
    ck_assert_ptr_nonnull(strstr(context->said, "quarantine 0 Nearmiss: army.ml"));
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_HELD);

    context->refuses_changes = true;
    (void)mail(context, NULL);
    (void)rcpt(context, "<bob@army.ml>");
    ck_assert_int_eq(filter.xxfi_eom(context), SMFIS_TEMPFAIL);
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_REFUSED);
    hang_up(&context);
    world_free(&world);
}
END_TEST

/* SMFIC_QUIT_NC: the next client's connection follows without a negotiation. */
START_TEST(test_milter__judges_the_next_client_of_a_connection)
{
    struct world *world = open_with_action(NM_ACTION_REJECT);
    SMFICTX *context = connect_from("192.0.2.7", every_step);
    struct sockaddr_in next = {.sin_family = AF_INET};

    (void)mail(context, NULL);
    (void)filter.xxfi_close(context);
    ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.8", &next.sin_addr), 1);
    (void)filter.xxfi_connect(context, (char[]){"next.example"}, (_SOCK_ADDR *)&next);
    (void)mail(context, NULL);
    ck_assert_int_eq(rcpt(context, "<bob@army.ml>"), SMFIS_REJECT);
    ck_assert_str_eq(world_last(world)->client, "192.0.2.8");
    hang_up(&context);
    world_free(&world);
}
END_TEST

START_TEST(test_milter__is_silent_only_where_that_was_agreed)
{
    static const struct {
        unsigned long steps;
        sfsistat mail;
        sfsistat header;
        sfsistat data;
    } rows[] = {
        {0, SMFIS_CONTINUE, SMFIS_CONTINUE, SMFIS_CONTINUE},
        {SMFIP_NR_MAIL, SMFIS_NOREPLY, SMFIS_CONTINUE, SMFIS_CONTINUE},
        {SMFIP_NR_HDR, SMFIS_CONTINUE, SMFIS_NOREPLY, SMFIS_CONTINUE},
        {SMFIP_NR_DATA, SMFIS_CONTINUE, SMFIS_CONTINUE, SMFIS_NOREPLY},
        {~0UL, SMFIS_NOREPLY, SMFIS_NOREPLY, SMFIS_NOREPLY},
    };
    struct world *world = open_with_action(NM_ACTION_REJECT);

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        SMFICTX *context = connect_from("192.0.2.7", rows[i].steps);

        ck_assert_int_eq(mail(context, NULL), rows[i].mail);
        ck_assert_int_eq(rcpt(context, "<carol@army.mil>"), SMFIS_CONTINUE);
        ck_assert_int_eq(filter.xxfi_data(context), rows[i].data);
        ck_assert_int_eq(
            filter.xxfi_header(context, (char[]){"Subject"}, (char[]){"hello"}),
            rows[i].header);
        ck_assert_int_eq(filter.xxfi_abort(context), SMFIS_CONTINUE);
        hang_up(&context);
    }
    ck_assert_uint_eq(nm_milter_sessions(), 0);
    world_free(&world);
}
END_TEST

START_TEST(test_milter__tells_the_gate_what_the_mail_server_knows)
{
    struct world *world = open_with_action(NM_ACTION_REJECT);
    SMFICTX *context = connect_from("192.0.2.7", every_step);

    context->macros[0][0] = "{auth_authen}";
    context->macros[0][1] = "alice";
    context->macros[1][0] = "{rcpt_addr}";
    context->macros[1][1] = "bob@army.ml";
    (void)mail(context, "smtputf8");
    ck_assert_int_eq(rcpt(context, "<bob@alias.example>"), SMFIS_REJECT);
    ck_assert_str_eq(world->events[0].auth, "alice");
    ck_assert_str_eq(world->events[0].domain, "army.ml");
    ck_assert_str_eq(world->events[0].recipient, "bob@alias.example");
    hang_up(&context);
    world_free(&world);
}
END_TEST

/* Postfix's cleanup knows the queue id at MAIL; nothing that came by SMTP has one yet. */
START_TEST(test_milter__knows_local_submission_by_its_queue_id)
{
    static const struct {
        const char *version;
        const char *queue_id;
        sfsistat rcpt;
    } rows[] = {{"Postfix 3.7.11", "4XYZ", SMFIS_CONTINUE},
        {"Postfix 3.7.11", NULL, SMFIS_REJECT}, {"8.17.1.9", "4XYZ", SMFIS_REJECT},
        {NULL, "4XYZ", SMFIS_REJECT}};
    struct world *world = open_with_action(NM_ACTION_REJECT);

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        SMFICTX *context = connect_from("127.0.0.1", every_step);

        context->macros[0][0] = rows[i].version != NULL ? "v" : NULL;
        context->macros[0][1] = rows[i].version;
        context->macros[1][0] = rows[i].queue_id != NULL ? "i" : NULL;
        context->macros[1][1] = rows[i].queue_id;
        (void)mail(context, NULL);
        ck_assert_int_eq(rcpt(context, "<bob@army.ml>"), rows[i].rcpt);
        hang_up(&context);
    }
    world_free(&world);
}
END_TEST

START_TEST(test_milter__without_the_rights_to_act_it_does_not_pretend_to)
{
    struct world *world = open_with_action(NM_ACTION_HOLD);
    SMFICTX context = {.mine = NULL};
    unsigned long out[4] = {0};

    ck_assert_int_eq(filter.xxfi_negotiate(&context, SMFIF_ADDHDRS, every_step, 0, 0,
                         &out[0], &out[1], &out[2], &out[3]),
        SMFIS_REJECT);
    ck_assert_uint_eq(world->errors_logged, 1);
    world_free(&world);
}
END_TEST

/* What a connection without a gate is told, before the stop and after it, in a process
 * of its own, since a stop is for good. */
static void check_without_gate(enum nm_mode mode, sfsistat expected)
{
    const struct nm_rule_spec rule = {
        .name = "rule", .confidence = 0.5, .action = NM_ACTION_REJECT};
    struct nm_snapshot_values values = world_values(&rule, 1);
    SMFICTX stranger = {.mine = NULL};
    struct nm_milter_left left;
    struct world *world;
    SMFICTX *context;

    values.mode = mode;
    world = open_milter(&values);
    context = connect_from("192.0.2.7", every_step);
    ck_assert_int_eq(mail(&stranger, NULL), SMFIS_CONTINUE);
    ck_assert_int_eq(rcpt(&stranger, "<bob@army.mil>"), expected);
    ck_assert_int_eq(filter.xxfi_eom(&stranger), expected);

    (void)mail(context, NULL);
    (void)rcpt(context, "<carol@army.mil>");
    left = nm_milter_drain(1000);
    ck_assert_uint_eq(left.connections, 1);
    ck_assert_uint_eq(left.callbacks, 0);
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_ABORTED);
    world_free(&world);
    ck_assert_int_eq(rcpt(context, "<bob@army.mil>"), expected);
    ck_assert_int_eq(filter.xxfi_eom(context), expected);
    (void)filter.xxfi_abort(context);
    (void)filter.xxfi_close(context);
    free(context);

    context = connect_from("192.0.2.7", every_step);
    (void)mail(context, NULL);
    ck_assert_int_eq(rcpt(context, "<bob@army.ml>"), expected);
    (void)filter.xxfi_close(context);
    free(context);
}

static void *end_message(void *context)
{
    (void)filter.xxfi_eom(context);
    return NULL;
}

/* The stop waits no longer than it may for who does not take an answer, and says so. */
static void check_stuck_callback(void)
{
    struct world *world = open_with_action(NM_ACTION_TAG);
    SMFICTX *context = connect_from("192.0.2.7", every_step);
    struct nm_milter_left left;
    pthread_t thread;

    reader.is_stuck = true;
    (void)sem_init(&reader.was_told, 0, 0);
    (void)sem_init(&reader.reads_on, 0, 0);
    (void)mail(context, NULL);
    (void)rcpt(context, "<bob@army.ml>");
    ck_assert_int_eq(pthread_create(&thread, NULL, end_message, context), 0);
    (void)sem_wait(&reader.was_told);
    left = nm_milter_drain(1);
    ck_assert_uint_eq(left.connections, 1);
    ck_assert_uint_eq(left.callbacks, 1);
    (void)sem_post(&reader.reads_on);
    (void)pthread_join(thread, NULL);
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_PASSED);
}

static void check_in_a_process_of_its_own(void (*check)(void))
{
    const pid_t child = fork();
    int status = -1;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        check();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

START_TEST(test_milter__a_stop_counts_who_does_not_take_an_answer)
{
    check_in_a_process_of_its_own(check_stuck_callback);
}
END_TEST

static void check_putting_off(void)
{
    check_without_gate(NM_MODE_ENFORCE, SMFIS_TEMPFAIL);
}

static void check_observing(void)
{
    check_without_gate(NM_MODE_OBSERVE, SMFIS_CONTINUE);
}

START_TEST(test_milter__without_a_gate_it_puts_off_or_observes)
{
    check_in_a_process_of_its_own(check_putting_off);
    check_in_a_process_of_its_own(check_observing);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("milter");
    TCase *cases = tcase_create("callbacks");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_milter__takes_off_whom_the_message_is_kept_for);
    tcase_add_test(cases, test_milter__a_message_that_nobody_keeps_is_skipped);
    tcase_add_test(cases,
        test_milter__whom_the_mail_server_will_not_take_off_puts_the_message_off);
    tcase_add_test(
        cases, test_milter__gives_the_refusal_with_its_percent_signs_doubled);
    tcase_add_test(
        cases, test_milter__breaks_a_long_reply_and_no_pair_of_percent_signs);
    tcase_add_test(cases, test_milter__a_deferral_is_a_temporary_failure);
    tcase_add_test(cases, test_milter__strips_from_the_last_and_then_tags);
    tcase_add_test(
        cases, test_milter__what_the_mail_server_will_not_hold_is_put_off_and_recorded);
    tcase_add_test(cases, test_milter__a_stop_counts_who_does_not_take_an_answer);
    tcase_add_test(cases, test_milter__judges_the_next_client_of_a_connection);
    tcase_add_test(cases, test_milter__is_silent_only_where_that_was_agreed);
    tcase_add_test(cases, test_milter__tells_the_gate_what_the_mail_server_knows);
    tcase_add_test(cases, test_milter__knows_local_submission_by_its_queue_id);
    tcase_add_test(
        cases, test_milter__without_the_rights_to_act_it_does_not_pretend_to);
    tcase_add_test(cases, test_milter__without_a_gate_it_puts_off_or_observes);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
