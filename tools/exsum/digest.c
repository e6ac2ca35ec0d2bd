/* digest.c - see digest.h. OpenSSL is named here and nowhere else.
 *
 * A hasher, OpenSSL's context and a buffer for read(2), is lent to each call. So there are as many as calls ever ran at
 * once, at most one for each worker, and none lies on a task's stack.
 */
#include "digest.h"

#include <executor/executor.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)128 << 10)

_Static_assert(DIGEST_BYTES_MOST >= EVP_MAX_MD_SIZE, "every digest fits");

struct hasher {
        struct hasher *next;
        EVP_MD_CTX *context;
        unsigned char buffer[BUFFER_BYTES];
};

struct digester {
        EVP_MD *algorithm;
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

/* Feeds what read(2) gives. */
static int feed(struct hasher *hasher, int fd, uint64_t *n_bytes)
{
        *n_bytes = 0;
        for (;;) {
                ssize_t n = read(fd, hasher->buffer, sizeof hasher->buffer);
                if (n == 0)
                        return 0;
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (!EVP_DigestUpdate(hasher->context, hasher->buffer, (size_t)n))
                        return -ENOMEM;
                *n_bytes += (uint64_t)n;
                if (exec_cancel_requested())
                        return -ECANCELED;
        }
}

int digester_read(struct digester *digester, int fd, unsigned char digest[DIGEST_BYTES_MOST], uint64_t *n_bytes)
{
        struct hasher *hasher = borrow(digester);
        int err;

        if (!hasher)
                return -ENOMEM;
        err = EVP_DigestInit_ex2(hasher->context, digester->algorithm, NULL) ? 0 : -ENOMEM;
        if (!err)
                err = feed(hasher, fd, n_bytes);
        if (!err && !EVP_DigestFinal_ex(hasher->context, digest, NULL))
                err = -ENOMEM;
        give_back(digester, hasher);
        return err;
}

size_t digester_size(const struct digester *digester)
{
        return digester->size;
}

int digester_new(struct digester **out, const char *algorithm)
{
        struct digester *digester = calloc(1, sizeof *digester);

        if (!digester)
                return -ENOMEM;
        digester->algorithm = EVP_MD_fetch(NULL, algorithm, NULL);
        if (!digester->algorithm || (EVP_MD_get_flags(digester->algorithm) & EVP_MD_FLAG_XOF)) {
                EVP_MD_free(digester->algorithm);
                free(digester);
                return -EINVAL;
        }
        digester->size = (size_t)EVP_MD_get_size(digester->algorithm);
        pthread_mutex_init(&digester->lock, NULL);
        *out = digester;
        return 0;
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
        free(digester);
}
