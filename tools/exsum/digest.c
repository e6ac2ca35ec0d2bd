/* digest.c - see digest.h. OpenSSL is named here and nowhere else.
 *
 * A hasher, OpenSSL's context and a buffer for read(2), is lent to each call. So there are as many as calls ever ran at
 * once, at most one for each worker, and none lies on a task's stack.
 */
#include "digest.h"

#include "tag.h"

#include <executor/executor.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES    ((size_t)128 << 10)
#define ALGORITHMS_MOST 256 /* that are listed */

_Static_assert(DIGEST_BYTES_MOST >= EVP_MAX_MD_SIZE, "every digest fits");

struct hasher {
        struct hasher *next;
        EVP_MD_CTX *context;
        unsigned char buffer[BUFFER_BYTES];
};

struct digester {
        EVP_MD *algorithm;
        OSSL_PROVIDER *legacy; /* where the algorithm is from, or NULL */
        size_t size;
        pthread_mutex_t lock; /* never held across a wait */
        struct hasher *idle;  /* L(lock) */
};

static struct hasher *hasher_new(void)
{
        struct hasher *hasher = malloc(sizeof *hasher);

        if (!hasher)
                return NULL;
        hasher->context = EVP_MD_CTX_new();
        if (!hasher->context) {
                free(hasher);
                return NULL;
        }
        return hasher;
}

static void hasher_free(struct hasher *hasher)
{
        EVP_MD_CTX_free(hasher->context);
        free(hasher);
}

static struct hasher *borrow(struct digester *digester)
{
        pthread_mutex_lock(&digester->lock);
        struct hasher *hasher = digester->idle;
        if (hasher)
                digester->idle = hasher->next;
        pthread_mutex_unlock(&digester->lock);
        return hasher ? hasher : hasher_new();
}

static void give_back(struct digester *digester, struct hasher *hasher)
{
        pthread_mutex_lock(&digester->lock);
        hasher->next = digester->idle;
        digester->idle = hasher;
        pthread_mutex_unlock(&digester->lock);
}

/* Feeds what the source gives. */
static int feed(struct hasher *hasher, struct source *source, struct meter *meter, uint64_t *n_bytes)
{
        *n_bytes = 0;
        for (;;) {
                ssize_t n = source_read(source, hasher->buffer, sizeof hasher->buffer);
                if (n <= 0)
                        return (int)n;
                if (!EVP_DigestUpdate(hasher->context, hasher->buffer, (size_t)n))
                        return -ENOMEM;
                *n_bytes += (uint64_t)n;
                meter_add(meter, (uint64_t)n);
                if (exec_cancel_requested())
                        return -ECANCELED;
        }
}

static bool is_xof(const EVP_MD *algorithm)
{
        return EVP_MD_get_flags(algorithm) & EVP_MD_FLAG_XOF;
}

static int finish(const struct digester *digester, struct hasher *hasher, unsigned char *digest)
{
        int is_done = is_xof(digester->algorithm) ? EVP_DigestFinalXOF(hasher->context, digest, digester->size)
                                                  : EVP_DigestFinal_ex(hasher->context, digest, NULL);
        return is_done ? 0 : -ENOMEM;
}

int digester_read(struct digester *digester, struct source *source, struct meter *meter,
                  unsigned char digest[DIGEST_BYTES_MOST], uint64_t *n_bytes)
{
        struct hasher *hasher = borrow(digester);
        int err;

        if (!hasher)
                return -ENOMEM;
        err = EVP_DigestInit_ex2(hasher->context, digester->algorithm, NULL) ? 0 : -ENOMEM;
        if (!err)
                err = feed(hasher, source, meter, n_bytes);
        if (!err)
                err = finish(digester, hasher, digest);
        give_back(digester, hasher);
        return err;
}

size_t digester_size(const struct digester *digester)
{
        return digester->size;
}

const char *digester_tag(const struct digester *digester)
{
        return tag_of_name(EVP_MD_get0_name(digester->algorithm));
}

/* A digest without a length, or with one that fits nowhere, names no file's contents. */
static bool is_usable(const EVP_MD *algorithm)
{
        return EVP_MD_get_size(algorithm) > 0 && EVP_MD_get_size(algorithm) <= DIGEST_BYTES_MOST;
}

/* What is old, md4 or whirlpool, is in a provider that OpenSSL does not load by itself. */
static OSSL_PROVIDER *load_legacy(void)
{
        return OSSL_PROVIDER_try_load(NULL, "legacy", 1);
}

static void unload(OSSL_PROVIDER *provider)
{
        if (provider)
                OSSL_PROVIDER_unload(provider);
}

/* Returns false where there is none. */
static bool fetch(struct digester *digester, const char *algorithm)
{
        digester->algorithm = EVP_MD_fetch(NULL, algorithm, NULL);
        if (!digester->algorithm) {
                digester->legacy = load_legacy();
                digester->algorithm = EVP_MD_fetch(NULL, algorithm, NULL);
        }
        return digester->algorithm && is_usable(digester->algorithm);
}

int digester_new(struct digester **out, const char *algorithm)
{
        struct digester *digester = calloc(1, sizeof *digester);

        if (!digester)
                return -ENOMEM;
        if (!fetch(digester, algorithm)) {
                EVP_MD_free(digester->algorithm);
                unload(digester->legacy);
                free(digester);
                return -EINVAL;
        }
        digester->size = (size_t)EVP_MD_get_size(digester->algorithm);
        pthread_mutex_init(&digester->lock, NULL);
        *out = digester;
        return 0;
}

struct algorithm_names {
        const char *at[ALGORITHMS_MOST];
        size_t n;
};

static void note_algorithm(EVP_MD *algorithm, void *arg)
{
        struct algorithm_names *names = arg;

        if (is_usable(algorithm) && names->n < ALGORITHMS_MOST)
                names->at[names->n++] = EVP_MD_get0_name(algorithm);
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void digest_print_algorithms(FILE *out)
{
        struct algorithm_names names = {.n = 0};

        OSSL_PROVIDER *legacy = load_legacy();
        EVP_MD_do_all_provided(NULL, note_algorithm, &names);
        qsort(names.at, names.n, sizeof names.at[0], compare_names);
        for (size_t i = 0; i < names.n; i++) {
                if (i == 0 || strcmp(names.at[i], names.at[i - 1]) != 0)
                        fprintf(out, "%s\n", names.at[i]);
        }
        unload(legacy);
}

void digester_free(struct digester *digester)
{
        if (!digester)
                return;
        while (digester->idle) {
                struct hasher *hasher = digester->idle;

                digester->idle = hasher->next;
                hasher_free(hasher);
        }
        pthread_mutex_destroy(&digester->lock);
        EVP_MD_free(digester->algorithm);
        unload(digester->legacy);
        free(digester);
}
