/* quicksort.c - recursion that forks at every level: no cut-off but that of quicksort itself. */
#include <executor/executor.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 5000000, SMALL = 24 };

struct part {
        struct exec_fork fork;
        int *data;
        size_t n;
};

static void sort(int data[], size_t n, exec_forks *at);

static void sort_part(struct exec_fork *fork, exec_forks *at)
{
        struct part *p = (struct part *)fork;

        sort(p->data, p->n, at);
}

static void insertion_sort(int data[], size_t n)
{
        for (size_t i = 1; i < n; i++) {
                int x = data[i];
                size_t k = i;

                for (; k && data[k - 1] > x; k--)
                        data[k] = data[k - 1];
                data[k] = x;
        }
}

static size_t partition(int data[], size_t n)
{
        int pivot = data[n / 2];

        for (size_t i = 0, k = n - 1;; i++, k--) {
                while (data[i] < pivot)
                        i++;
                while (data[k] > pivot)
                        k--;
                if (i >= k)
                        return k + 1;
                int x = data[i];
                data[i] = data[k];
                data[k] = x;
        }
}

static void sort(int data[], size_t n, exec_forks *at)
{
        struct part upper;
        size_t n_lower;

        if (n <= SMALL) {
                insertion_sort(data, n);
                return;
        }
        n_lower = partition(data, n);
        upper.data = data + n_lower;
        upper.n = n - n_lower;
        sort(data, n_lower, exec_fork(at, &upper.fork, sort_part)); /* an idle worker may take the upper part */
        if (exec_join(at, &upper.fork))                             /* nobody has */
                sort(upper.data, upper.n, at);
}

static int program(void *arg, void **value)
{
        sort(arg, N, exec_forks_here());
        *value = arg;
        return 0;
}

int main(void)
{
        int *data = malloc(N * sizeof *data);
        unsigned x = 1;
        int err, wrong = 0;

        for (size_t i = 0; data && i < N; i++)
                data[i] = (int)((x = x * 1664525 + 1013904223) >> 1);
        err = data ? exec_run(program, data, NULL) : -ENOMEM;
        for (size_t i = 1; !err && i < N; i++)
                wrong += data[i - 1] > data[i];
        printf("%d numbers, %d in the wrong place\n", N, wrong);
        free(data);
        return err || wrong;
}
