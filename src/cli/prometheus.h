/* A daemon's status as metrics, in Prometheus' text format 0.0.4. */
#ifndef NM_CLI_PROMETHEUS_H
#define NM_CLI_PROMETHEUS_H

#include <jansson.h>

#include <stdio.h>

/* What `status` lacks is left out. */
void nm_put_prometheus(FILE *out, const json_t *status);

#endif
