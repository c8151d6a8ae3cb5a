/* Words for matches and techniques, as configuration, JSON and reports have them. */
#include <nearmiss/match.h>

#include <string.h>

static const char *const match_names[NM_MATCH_COUNT] = {
    [NM_MATCH_INVALID] = "invalid",
    [NM_MATCH_NONE] = "none",
    [NM_MATCH_OWN] = "own",
    [NM_MATCH_PROTECTED] = "protected",
    [NM_MATCH_ALLOWED] = "allowed",
    [NM_MATCH_KNOWN] = "known",
    [NM_MATCH_NEAR_MISS] = "near-miss",
};

static const char *const technique_names[NM_TECHNIQUE_COUNT] = {
    [NM_TECHNIQUE_NONE] = "none",
    [NM_TECHNIQUE_OMISSION] = "omission",
    [NM_TECHNIQUE_INSERTION] = "insertion",
    [NM_TECHNIQUE_DOUBLING] = "doubling",
    [NM_TECHNIQUE_TRANSPOSITION] = "transposition",
    [NM_TECHNIQUE_KEY] = "key",
    [NM_TECHNIQUE_SUBSTITUTION] = "substitution",
    [NM_TECHNIQUE_SUFFIX] = "suffix",
    [NM_TECHNIQUE_DOT] = "dot",
    [NM_TECHNIQUE_HYPHEN] = "hyphen",
    [NM_TECHNIQUE_GLYPH] = "glyph",
    [NM_TECHNIQUE_EMBEDDED] = "embedded",
    [NM_TECHNIQUE_SEVERAL] = "several",
};

const char *nm_match_name(enum nm_match match)
{
    return (unsigned)match < NM_MATCH_COUNT ? match_names[match] : "invalid";
}

const char *nm_technique_name(enum nm_technique technique)
{
    return (unsigned)technique < NM_TECHNIQUE_COUNT ? technique_names[technique]
                                                    : "none";
}

static bool find(const char *const *names, int count, const char *name, int *at)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) {
            *at = i;
            return true;
        }
    return false;
}

bool nm_match_from_name(const char *name, enum nm_match *out)
{
    int at;

    if (!find(match_names, NM_MATCH_COUNT, name, &at))
        return false;
    *out = (enum nm_match)at;
    return true;
}

bool nm_technique_from_name(const char *name, enum nm_technique *out)
{
    int at;

    if (!find(technique_names, NM_TECHNIQUE_COUNT, name, &at) ||
        at == NM_TECHNIQUE_NONE)
        return false;
    *out = (enum nm_technique)at;
    return true;
}
