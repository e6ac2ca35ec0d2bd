/* roots.c - see roots.h. */
#include "roots.h"

#include "walk.h"

#include <executor/types.h> /* errno */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAMES_BYTES ((size_t)32 << 20)

struct root {
        const char *name;
        bool is_directory;
        bool is_known; /* is_directory is right */
};

struct branch {
        struct branch *next;
        struct walk walk;
        struct found head;
        size_t budget_bytes; /* lent by the roots */
};

static void look_at(struct root *root)
{
        struct stat status;

        root->is_directory = strcmp(root->name, "-") != 0 && stat(root->name, &status) == 0 && S_ISDIR(status.st_mode);
        root->is_known = true;
}

/* By bytes; what is a directory counts as if it ended with a slash, as the paths in it begin. */
static int compare_paths(const char *a, bool a_is_directory, const char *b, bool b_is_directory)
{
        size_t i = 0;

        while (a[i] && a[i] == b[i])
                i++;
        bool a_ends = a_is_directory && i > 0 && a[i - 1] != '/', b_ends = b_is_directory && i > 0 && b[i - 1] != '/';
        int byte_a = a[i] ? (unsigned char)a[i] : a_ends ? '/' : 0;
        int byte_b = b[i] ? (unsigned char)b[i] : b_ends ? '/' : 0;
        return byte_a - byte_b;
}

static int compare_roots(const void *a, const void *b)
{
        const struct root *x = a, *y = b;

        return compare_paths(x->name, x->is_directory, y->name, y->is_directory);
}

static struct branch *first_branch(const struct roots *roots)
{
        struct branch *first = roots->branches;

        for (struct branch *branch = first; branch; branch = branch->next) {
                if (compare_paths(branch->head.path, false, first->head.path, false) < 0)
                        first = branch;
        }
        return first;
}

static void close_branch(struct roots *roots, struct branch *branch)
{
        struct branch **link = &roots->branches;

        while (*link != branch)
                link = &(*link)->next;
        *link = branch->next;
        roots->n_budget_bytes += branch->budget_bytes;
        walk_fini(&branch->walk);
        free(branch);
}

static void advance(struct roots *roots, struct branch *branch)
{
        if (walk_next(&branch->walk, &branch->head) == 0)
                close_branch(roots, branch);
}

/* Returns 0, also when there is nothing in it; or why the directory cannot be read. */
static int open_branch(struct roots *roots, const struct root *root)
{
        struct branch *branch = calloc(1, sizeof *branch);

        if (!branch)
                return -ENOMEM;
        branch->budget_bytes = roots->order_is_global ? roots->n_budget_bytes / 2 : roots->n_budget_bytes;
        roots->n_budget_bytes -= branch->budget_bytes;
        walk_init(&branch->walk, roots->here, branch->budget_bytes, roots->order_is_global);
        branch->next = roots->branches;
        roots->branches = branch;
        int err = walk_start(&branch->walk, root->name);
        advance(roots, branch);
        return err;
}

/* Is it the next root's turn? */
static bool is_next(const struct roots *roots, const struct branch *first)
{
        const struct root *root = &roots->roots[roots->next];

        if (roots->next == roots->n)
                return false;
        if (!first)
                return true;
        return roots->order_is_global && compare_paths(root->name, root->is_directory, first->head.path, false) <= 0;
}

void item_of_name(struct item *item, const char *name, struct anchor *here)
{
        struct stat status;

        *item = (struct item){.path = name, .at = here, .kind = ENTRY_ARGUMENT};
        if (strcmp(name, "-") == 0) {
                item->kind = ENTRY_STDIN;
                item->is_alone = true;
        } else if (stat(name, &status) == 0) { /* if it is not there, that is told in its place */
                item->is_alone = !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
        }
}

/* Returns true and *item, or false: a directory's walk was begun. */
static bool take_root(struct roots *roots, struct item *item)
{
        struct root *root = &roots->roots[roots->next++];

        if (!root->is_known)
                look_at(root);
        if (!root->is_directory) {
                item_of_name(item, root->name, roots->here);
                return true;
        }
        *item = (struct item){.path = root->name, .err = open_branch(roots, root)};
        return item->err != 0;
}

int roots_next(struct roots *roots, struct item *item)
{
        struct branch *first;

        if (roots->taken)
                advance(roots, roots->taken);
        roots->taken = NULL;
        while (is_next(roots, first = first_branch(roots))) {
                if (take_root(roots, item))
                        return 1;
        }
        if (!first)
                return 0;
        roots->taken = first;
        *item = (struct item){
                .path = first->head.path, .at = first->head.at, .kind = ENTRY_WALKED, .err = first->head.err};
        return 1;
}

int roots_init(struct roots *roots, char **args, struct anchor *here, bool order_is_global)
{
        *roots = (struct roots){.here = here, .order_is_global = order_is_global, .n_budget_bytes = NAMES_BYTES};
        while (args[roots->n])
                roots->n++;
        roots->roots = calloc(roots->n, sizeof *roots->roots);
        if (!roots->roots)
                return -ENOMEM;
        for (size_t i = 0; i < roots->n; i++) {
                roots->roots[i].name = args[i];
                if (order_is_global)
                        look_at(&roots->roots[i]);
        }
        if (order_is_global)
                qsort(roots->roots, roots->n, sizeof *roots->roots, compare_roots);
        return 0;
}

void roots_fini(struct roots *roots)
{
        while (roots->branches)
                close_branch(roots, roots->branches);
        free(roots->roots);
}
