/* register.c - see register.h. */
#include "task/register.h"

#include "task/state.h"

/* L(lock) */
static void link_first(struct execi_register *r, exec_future *f)
{
        struct execi_prefix *p = execi_cell_prefix(f);

        p->prev = NULL;
        p->next = r->head;
        if (r->head)
                execi_cell_prefix(r->head)->prev = f;
        else
                r->tail = f;
        r->head = f;
}

/* L(lock) */
static void unlink_cell(struct execi_register *r, exec_future *f)
{
        struct execi_prefix *p = execi_cell_prefix(f);

        if (p->prev)
                execi_cell_prefix(p->prev)->next = p->next;
        else
                r->head = p->next;
        if (p->next)
                execi_cell_prefix(p->next)->prev = p->prev;
        else
                r->tail = p->prev;
}

/* L(lock) */
static void link_last(struct execi_register *r, exec_future *f)
{
        struct execi_prefix *p = execi_cell_prefix(f);

        p->next = NULL;
        p->prev = r->tail;
        if (r->tail)
                execi_cell_prefix(r->tail)->next = f;
        else
                r->head = f;
        r->tail = f;
}

void execi_register_add(struct execi_register *r, exec_future *f)
{
        execi_spin_lock(&r->lock);
        execi_cell_prefix(f)->registered = true;
        execi_cell_prefix(f)->swept = r->sweep - 1;
        link_first(r, f);
        execi_spin_unlock(&r->lock);
}

void execi_register_remove(struct execi_register *r, exec_future *f)
{
        execi_spin_lock(&r->lock);
        if (execi_cell_prefix(f)->registered)
                unlink_cell(r, f);
        execi_cell_prefix(f)->registered = false;
        execi_spin_unlock(&r->lock);
}

void execi_register_sweep(struct execi_register *r)
{
        execi_spin_lock(&r->lock);
        r->sweep++;
        execi_spin_unlock(&r->lock);
}

/* Those of this sweep go to the end. */
exec_future *execi_register_next(struct execi_register *r)
{
        exec_future *f;

        execi_spin_lock(&r->lock);
        f = r->head;
        if (f && execi_cell_prefix(f)->swept == r->sweep)
                f = NULL;
        if (f) {
                execi_cell_prefix(f)->swept = r->sweep;
                unlink_cell(r, f);
                link_last(r, f);
                if (atom_add(&f->refs, 1, RELAXED) == 0) /* @relaxed count: registered cells are not done */
                        execi_state_attach(f);
        }
        execi_spin_unlock(&r->lock);
        return f;
}

void execi_register_visit(struct execi_register *r, void (*visit)(exec_future *f, void *arg), void *arg)
{
        execi_spin_lock(&r->lock);
        for (exec_future *f = r->head; f; f = execi_cell_prefix(f)->next)
                visit(f, arg);
        execi_spin_unlock(&r->lock);
}
