/* A scenario's configurations and lists: files in a folder of their own, read by the real
 * loader. */
#include "scenario.h"

#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void make_folder(struct scenario *scenario)
{
    if (scenario->folder[0] != '\0')
        return;
    (void)nm_copy(scenario->folder, sizeof scenario->folder, "/tmp/nm-replay-XXXXXX");
    if (mkdtemp(scenario->folder) == NULL) {
        scenario->folder[0] = '\0';
        scenario_fail(scenario, scenario->line, "no folder for its files");
    }
}

void scenario_remove_files(struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->file_count; i++)
        (void)unlink(scenario->files[i]);
    if (scenario->folder[0] != '\0')
        (void)rmdir(scenario->folder);
}

static bool is_indented(const char *line)
{
    return line[strspn(line, " ")] == '\0' || line[0] == ' ';
}

void scenario_take_file(struct scenario *scenario, const char *name)
{
    char *path = scenario->files[scenario->file_count];
    FILE *file;

    make_folder(scenario);
    if (scenario->file_count == CONFIGS_MAX || strchr(name, '/') != NULL)
        scenario_fail(scenario, scenario->line, "no file \"%s\" can be made", name);
    (void)snprintf(path, PATH_TEXT_MAX, "%s/%s", scenario->folder, name);
    file = fopen(path, "w");
    if (file == NULL)
        scenario_fail(scenario, scenario->line, "cannot write %s", path);
    scenario->file_count++;
    /* So that complaints blame the scenario's own lines. */
    for (size_t i = 0; i < scenario->line; i++)
        (void)fputc('\n', file);
    for (; scenario->line < scenario->line_count &&
           is_indented(scenario->lines[scenario->line]);
         scenario->line++)
        (void)fprintf(file, "%s\n", scenario->lines[scenario->line]);
    if (fclose(file) != 0)
        scenario_fail(scenario, scenario->line, "cannot write %s", path);
}

static void file_of(const char *name, char out[80])
{
    (void)snprintf(out, 80, "config-%s", name);
}

void scenario_take_config(struct scenario *scenario, const char *name)
{
    struct named_config *config = &scenario->configs[scenario->config_count];
    char file[80];

    if (scenario->config_count == CONFIGS_MAX)
        scenario_fail(scenario, scenario->line, "too many configurations");
    (void)nm_copy(config->name, sizeof config->name, name);
    config->line = (unsigned)scenario->line;
    scenario->config_count++;
    file_of(config->name, file);
    scenario_take_file(scenario, file);
}

static _Noreturn void fail_of(struct scenario *scenario,
    const struct named_config *config, const struct nm_complaints *complaints)
{
    const struct nm_complaint *first = complaints->count > 0 ? complaints->rows : NULL;

    scenario_fail(scenario,
        first != NULL && first->error.line > 0 ? first->error.line : config->line,
        "the configuration \"%s\" is wrong: %s", config->name,
        first != NULL ? first->error.message : "no memory");
}

static void build(struct scenario *scenario, struct named_config *config)
{
    struct nm_complaints complaints;
    struct nm_config *loaded = NULL;
    char path[PATH_TEXT_MAX];
    char file[80];

    file_of(config->name, file);
    (void)snprintf(path, sizeof path, "%s/%s", scenario->folder, file);
    nm_complaints_init(&complaints);
    if (nm_config_load(path, &loaded, &complaints) != NM_OK ||
        nm_config_build(loaded, NULL, &config->snapshot, &complaints) != NM_OK)
        fail_of(scenario, config, &complaints);
    nm_config_free(&loaded);
    nm_complaints_free(&complaints);
}

struct named_config *scenario_config(struct scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->config_count; i++) {
        struct named_config *config = &scenario->configs[i];

        if (strcmp(config->name, name) != 0)
            continue;
        if (config->snapshot == NULL)
            build(scenario, config);
        return config;
    }
    scenario_fail(scenario, scenario->line, "no configuration \"%s\"", name);
}
