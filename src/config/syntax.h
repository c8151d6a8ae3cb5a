/* What single values of the configuration must look like. Each says in `why` what is
 * wrong, to be read behind the key and the value. */
#ifndef NM_CONFIG_SYNTAX_H
#define NM_CONFIG_SYNTAX_H

#include <nearmiss/base.h>

bool nm_check_not_empty(const char *text, struct nm_buf *why);
bool nm_check_milter_socket(const char *text, struct nm_buf *why);
bool nm_check_unix_socket(const char *text, struct nm_buf *why);
bool nm_check_file_mode(const char *text, struct nm_buf *why);
bool nm_check_account(const char *text, struct nm_buf *why);
bool nm_check_gateway(const char *text, struct nm_buf *why);
bool nm_check_release(const char *text, struct nm_buf *why);
bool nm_check_smtp_route(const char *text, struct nm_buf *why);
/* An address that can stand in a header as it is, or nothing. */
bool nm_check_mailbox(const char *text, struct nm_buf *why);
bool nm_check_contact(const char *text, struct nm_buf *why);
bool nm_check_rule_name(const char *text, struct nm_buf *why);
bool nm_check_network(const char *text, struct nm_buf *why);

/* The path in a socket's "unix:" or "local:", else NULL. */
const char *nm_unix_socket_path(const char *text);

/* Octal digits that nm_check_file_mode let through, as permission bits. */
unsigned nm_file_mode(const char *text);

#endif
