#include "daemon.h"
#include "load.h"
#include "text.h"

#include "control/control.h"

#include <stdlib.h>
#include <string.h>

/* The socket's path; from the configuration unless --socket gives it. */
static enum nm_exit find_socket(
    const struct nm_call *call, struct nm_config **config, const char **out)
{
    enum nm_exit status;

    *out = call->values[NM_CLI_SOCKET];
    if (*out != NULL)
        return NM_EXIT_FINE;
    status = nm_load(call, config, NULL);
    if (status == NM_EXIT_FINE)
        *out = nm_config_settings(*config)->control_socket;
    else if (status == NM_EXIT_CONFIGURATION)
        (void)nm_complain_and(call, status,
            "the configuration is wrong, so the daemon was not asked, and goes on as "
            "it "
            "was; to ask it all the same, name its --socket");
    return status;
}

/* The text behind the line `word`, or NULL when `text` does not begin with it. */
static const char *behind(const char *text, const char *word)
{
    const size_t length = strlen(word);

    return strncmp(text, word, length) == 0 && text[length] == '\n' ? text + length + 1
                                                                    : NULL;
}

static enum nm_exit read_answer(
    const struct nm_call *call, char *text, struct nm_daemon_answer *out)
{
    const char *refused = behind(text, "refused");

    out->text = text;
    out->ok = behind(text, "ok") != NULL;
    out->rest = out->ok ? behind(text, "ok") : behind(text, "wrong");
    if (out->rest != NULL)
        return NM_EXIT_FINE;
    if (refused != NULL) {
        (void)fprintf(
            call->err, "nearmiss %s: the daemon refuses:\n", call->command->name);
        nm_put_lines(call->err, refused);
    } else {
        (void)nm_complain_and(call, NM_EXIT_SYSTEM,
            "the daemon's answer cannot be understood: %s", nm_show(text).text);
    }
    free(text);
    return NM_EXIT_SYSTEM;
}

enum nm_exit nm_ask_daemon_with(const struct nm_call *call, const char *socket,
    const char *request, int file, struct nm_daemon_answer *out)
{
    struct nm_error error = {0};
    char *text = NULL;

    if (nm_control_ask_with(socket, request, file, &text, &error) != NM_OK)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "%s", error.message);
    return read_answer(call, text, out);
}

enum nm_exit nm_ask_daemon(
    const struct nm_call *call, const char *request, struct nm_daemon_answer *out)
{
    struct nm_config *config = NULL;
    const char *socket = NULL;
    enum nm_exit status = find_socket(call, &config, &socket);

    if (status == NM_EXIT_FINE)
        status = nm_ask_daemon_with(call, socket, request, -1, out);
    nm_config_free(&config);
    return status;
}

void nm_put_lines(FILE *out, const char *text)
{
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");

        nm_put_visible(out, text, length);
        (void)fputc('\n', out);
        text += length + (text[length] == '\n');
    }
}
