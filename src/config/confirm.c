#include "confirm.h"

#include <string.h>

static void check_times(struct nm_config *config)
{
    const struct nm_value *least = &config->values[NM_OPT_CONFIRM_MIN_S];
    const struct nm_value *most = &config->values[NM_OPT_CONFIRM_WINDOW_S];
    struct nm_reader reader = nm_config_reader(config);

    if (least->number >= most->number)
        nm_complain_of(&reader, least->line > 0 ? least->line : most->line,
            "confirm.min_s: %g is not less than confirm.window_s, %g: nothing could be "
            "confirmed",
            least->number, most->number);
}

static bool is_null_sender_alone(const struct nm_rule_spec *rule)
{
    for (size_t i = 0; i < rule->sender_count; i++)
        if (strcmp(rule->senders[i], "<>") != 0)
            return false;
    return rule->sender_count > 0;
}

static void warn_of_rules(const struct nm_config *config)
{
    for (size_t i = 0; i < config->rule_count; i++) {
        const struct nm_rule_spec *rule = &config->rules[i];

        if (rule->action == NM_ACTION_CONFIRM && is_null_sender_alone(rule))
            nm_warn(config->complaints, rule->file, rule->line,
                "rule %s: action: the null sender is never asked to confirm: write "
                "\"reject\", which it gets",
                nm_quote_text(rule->name).text);
    }
}

enum nm_code nm_config_check_confirm(struct nm_config *config)
{
    check_times(config);
    warn_of_rules(config);
    return NM_OK;
}
