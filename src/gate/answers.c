/*
 * Answers to the mail server.
 */
#include "message.h"

#include "lines.h"

#include <assert.h>
#include <string.h>

void nm_answer_continue(struct nm_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    answer->kind = NM_ANSWER_CONTINUE;
}

void nm_answer_lines(struct nm_session *session, struct nm_answer *answer,
    unsigned code, const char *status, size_t line_count)
{
    assert(line_count > 0 && line_count <= NM_REPLY_LINES_MAX);
    memset(answer, 0, sizeof *answer);
    answer->kind = NM_ANSWER_REPLY;
    answer->code = code;
    (void)nm_copy(answer->status, sizeof answer->status, status);
    answer->lines = session->lines;
    answer->line_count = line_count;
}

void nm_answer_reply(struct nm_session *session, struct nm_answer *answer,
    unsigned code, const char *status, const char *text)
{
    struct nm_buf memory;

    nm_buf_init(&memory, session->reply, sizeof session->reply);
    nm_answer_lines(
        session, answer, code, status, nm_lines_put(text, &memory, session->lines));
}

void nm_answer_no_memory(struct nm_session *session, struct nm_answer *answer)
{
    nm_answer_reply(session, answer, 451, "4.3.0", "Out of memory. Try again later");
}

void nm_answer_spool_failure(struct nm_session *session, struct nm_answer *answer)
{
    nm_answer_reply(session, answer, 451, "4.3.0",
        "The outbound mail filter cannot keep the message for review. Not sent yet; "
        "try "
        "again later");
}

void nm_answer_audit_failure(struct nm_session *session, struct nm_answer *answer)
{
    nm_answer_reply(session, answer, 451, "4.3.0",
        "The outbound mail filter cannot write its log. Not sent yet; try again later");
}
