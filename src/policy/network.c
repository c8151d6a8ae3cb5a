#include <nearmiss/policy.h>

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool nm_ip_parse(const char *text, struct nm_ip *out)
{
    static const char tag[] = "IPv6:";
    struct nm_ip ip = {.family = 4};
    bool tagged = true;

    for (size_t i = 0; tagged && i < sizeof tag - 1; i++)
        tagged = nm_ascii_lower(text[i]) == nm_ascii_lower(tag[i]);
    if (!tagged && inet_pton(AF_INET, text, ip.bytes) == 1) {
        *out = ip;
        return true;
    }
    ip.family = 6;
    if (inet_pton(AF_INET6, text + (tagged ? sizeof tag - 1 : 0), ip.bytes) != 1)
        return false;
    if (memcmp(ip.bytes, mapped_prefix, sizeof mapped_prefix) == 0) {
        struct nm_ip mapped = {.family = 4};

        memcpy(mapped.bytes, ip.bytes + sizeof mapped_prefix, 4);
        ip = mapped;
    }
    *out = ip;
    return true;
}

void nm_ip_format(const struct nm_ip *ip, char *out)
{
    out[0] = '\0';
    if (ip->family != 0)
        (void)inet_ntop(
            ip->family == 4 ? AF_INET : AF_INET6, ip->bytes, out, NM_IP_TEXT_MAX + 1);
}

static bool has_prefix(const struct nm_ip *ip, const struct nm_network *network)
{
    const size_t whole = network->bits / 8;
    const unsigned rest = network->bits % 8;

    if (memcmp(ip->bytes, network->base.bytes, whole) != 0)
        return false;
    return rest == 0 ||
           ((ip->bytes[whole] ^ network->base.bytes[whole]) >> (8 - rest)) == 0;
}

/* Whether all bits behind the prefix are zero. */
static bool is_canonical(const struct nm_network *network)
{
    const size_t size = network->base.family == 4 ? 4 : 16;
    const size_t whole = network->bits / 8;

    for (size_t i = whole; i < size; i++) {
        const unsigned mask = i == whole ? 0xffU >> (network->bits % 8) : 0xff;

        if ((network->base.bytes[i] & mask) != 0)
            return false;
    }
    return true;
}

static void clear_behind_prefix(struct nm_network *network)
{
    const size_t whole = network->bits / 8;

    for (size_t i = whole; i < sizeof network->base.bytes; i++) {
        const unsigned mask = i == whole ? 0xffU >> (network->bits % 8) : 0xff;

        network->base.bytes[i] &= (uint8_t)~mask;
    }
}

/* Whatever stands behind the prefix. */
static bool parse(const char *text, struct nm_network *out)
{
    const char *slash = strchr(text, '/');
    const size_t length = slash != NULL ? (size_t)(slash - text) : strlen(text);
    char address[NM_IP_TEXT_MAX + sizeof "IPv6:"];
    struct nm_network network;
    unsigned bits = 0;

    if (length >= sizeof address)
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    if (!nm_ip_parse(address, &network.base))
        return false;
    if (slash == NULL) {
        bits = network.base.family == 4 ? 32 : 128;
    } else {
        const char *digit = slash + 1;

        if (*digit == '\0' || strlen(digit) > 3)
            return false;
        for (; *digit != '\0'; digit++) {
            if (*digit < '0' || *digit > '9')
                return false;
            bits = bits * 10 + (unsigned)(*digit - '0');
        }
    }
    if (bits > (network.base.family == 4 ? 32U : 128U))
        return false;
    network.bits = (uint8_t)bits;
    *out = network;
    return true;
}

bool nm_network_parse(const char *text, struct nm_network *out)
{
    struct nm_network network;

    if (!parse(text, &network) || !is_canonical(&network))
        return false;
    *out = network;
    return true;
}

bool nm_network_around(const char *text, struct nm_network *out)
{
    if (!parse(text, out))
        return false;
    clear_behind_prefix(out);
    return true;
}

bool nm_network_contains(const struct nm_network *network, const struct nm_ip *address)
{
    return network->base.family == address->family && has_prefix(address, network);
}
