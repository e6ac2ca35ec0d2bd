/* uts.c - the Unbalanced Tree Search benchmark (Olivier and others, LCPC 2006): its geometric tree with a fixed shape.
 * A node is a SHA-1; child i of it is the SHA-1 of the node followed by i. A node above the given depth has a number of
 * children that is geometrically distributed, drawn from the node's last 31 bits; below there are none. */
#include "problems.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 4130071 /* published */, NODES_QUICK = 16000 };

static uint32_t load_be(const uint8_t *at)
{
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void store_be(uint8_t *at, uint32_t word)
{
        at[0] = (uint8_t)(word >> 24);
        at[1] = (uint8_t)(word >> 16);
        at[2] = (uint8_t)(word >> 8);
        at[3] = (uint8_t)word;
}

static uint32_t rotate(uint32_t x, int n)
{
        return x << n | x >> (32 - n);
}

static uint32_t mix(const uint32_t h[5], unsigned round)
{
        if (round < 20)
                return (h[3] ^ (h[1] & (h[2] ^ h[3]))) + 0x5a827999;
        if (round < 40)
                return (h[1] ^ h[2] ^ h[3]) + 0x6ed9eba1;
        if (round < 60)
                return ((h[1] & h[2]) | (h[3] & (h[1] | h[2]))) + 0x8f1bbcdc;
        return (h[1] ^ h[2] ^ h[3]) + 0xca62c1d6;
}

/* SHA-1 of a message that fits one block. */
static void sha1(const uint8_t message[], size_t length, uint8_t digest[20])
{
        static const uint32_t start[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
        uint8_t block[64] = {0};
        uint32_t w[80];
        uint32_t h[5];

        memcpy(block, message, length);
        block[length] = 0x80;
        store_be(block + 60, (uint32_t)length * 8);
        for (unsigned i = 0; i < 16; i++)
                w[i] = load_be(block + i * 4);
        for (unsigned i = 16; i < 80; i++)
                w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        memcpy(h, start, sizeof(h));
        for (unsigned i = 0; i < 80; i++) {
                uint32_t next = rotate(h[0], 5) + mix(h, i) + h[4] + w[i];

                h[4] = h[3];
                h[3] = h[2];
                h[2] = rotate(h[1], 30);
                h[1] = h[0];
                h[0] = next;
        }
        for (unsigned i = 0; i < 5; i++)
                store_be(digest + i * 4, h[i] + start[i]);
}

void uts_root(struct uts_node *root)
{
        uint8_t message[20] = {0};

        store_be(message + 16, UTS_SEED);
        sha1(message, sizeof(message), root->state);
        root->height = 0;
}

void uts_child(const struct uts_node *parent, unsigned i, struct uts_node *child)
{
        uint8_t message[24];

        memcpy(message, parent->state, sizeof(parent->state));
        store_be(message + 20, i);
        sha1(message, sizeof(message), child->state);
        child->height = parent->height + 1;
}

unsigned uts_n_children(const struct uts *p, const struct uts_node *node)
{
        const double no_more = 1.0 / (1.0 + UTS_BRANCHES);
        double uniform = (double)(load_be(node->state + 16) & 0x7fffffff) / 2147483648.0;
        unsigned n;

        if (node->height >= p->depth)
                return 0;
        n = (unsigned)floor(log(1 - uniform) / log(1 - no_more));
        return n < UTS_MAX_CHILDREN ? n : UTS_MAX_CHILDREN;
}

static void *uts_open(const struct bench_request *request, uint64_t *work)
{
        struct uts *p = bench_alloc(1, sizeof(*p));

        p->depth = request->is_quick ? UTS_DEPTH_QUICK : UTS_DEPTH;
        *work = request->is_quick ? NODES_QUICK : NODES;
        return p;
}

static void uts_prepare(void *state)
{
        struct uts *p = state;

        p->result = 0;
}

static void uts_check(void *state)
{
        const struct uts *p = state;

        if (p->result != (p->depth == UTS_DEPTH ? NODES : NODES_QUICK))
                bench_die("the tree of depth %u does not have %llu nodes", p->depth, (unsigned long long)p->result);
}

static const char *const variants[] = {"T1", NULL};

const struct bench_problem uts_problem = {
        .name = "uts",
        .variants = variants,
        .metric = "time per node",
        .unit = "ns",
        .open = uts_open,
        .prepare = uts_prepare,
        .check = uts_check,
        .close = free,
        .value = bench_ns_each,
};
