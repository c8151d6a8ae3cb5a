#include "alloc_walk.h"

#include "control/control.h"
#include "temp_folder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

START_TEST(test_control__start_without_memory_leaves_nothing)
{
    char folder[] = "/tmp/nm-control-XXXXXX";
    char path[64];
    const struct nm_control_handler handler = {NULL, NULL, 0};
    struct nm_control_server *server = NULL;

    ck_assert_ptr_nonnull(temp_folder_from(folder));
    (void)snprintf(path, sizeof path, "%s/control.sock", folder);
    alloc_walk_fail(1);
    ck_assert_int_eq(
        nm_control_start(path, &handler, NULL, &server, NULL), NM_NO_MEMORY);
    ck_assert(alloc_walk_failed());
    ck_assert_ptr_null(server);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* A listener whose backlog takes the connection and the request is all the daemon that
 * this needs: memory runs out before there is anything to read. */
START_TEST(test_control__ask_without_memory_gives_no_answer)
{
    char folder[] = "/tmp/nm-control-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct nm_error error = {0};
    char *text = NULL;
    int fd;

    ck_assert_ptr_nonnull(temp_folder_from(folder));
    (void)snprintf(
        address.sun_path, sizeof address.sun_path, "%s/control.sock", folder);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    alloc_walk_fail(1);
    ck_assert_int_eq(
        nm_control_ask(address.sun_path, "status", &text, &error), NM_NO_MEMORY);
    ck_assert(alloc_walk_failed());
    ck_assert_ptr_null(text);
    (void)close(fd);
    ck_assert_int_eq(unlink(address.sun_path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *cases = tcase_create("alloc");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_control__start_without_memory_leaves_nothing);
    tcase_add_test(cases, test_control__ask_without_memory_gives_no_answer);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
